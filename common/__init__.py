"""What every direction of Lingnan stands on; it knows no direction."""

__version__ = "0.1.0"
