"""Drivers: contract, registry, seeded faults, recording and replay; one folder a kind."""
