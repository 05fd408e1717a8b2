"""GNSS files: RINEX observations and navigation, SP3."""
