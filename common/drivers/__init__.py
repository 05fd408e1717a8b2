"""Drivers: the contract, the registry, seeded faults, recording and replay; one folder a kind of device."""
