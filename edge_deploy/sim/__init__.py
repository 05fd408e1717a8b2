"""What the networks learn from and are shown, with exact ground truth: trays of small parts, and
handwriting that no alphabet has."""
