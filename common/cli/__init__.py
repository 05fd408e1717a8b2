"""The `lingnan` command."""
