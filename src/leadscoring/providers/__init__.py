"""Where a margin comes from."""
