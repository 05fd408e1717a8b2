"""What simulated devices share: a clock that drifts, a pace, a trigger, scenes by name."""
