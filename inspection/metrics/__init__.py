"""Figures of merit: ranking, localisation, detection, rates with bounds."""
