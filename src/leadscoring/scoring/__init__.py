"""From leads to scores with their reasons."""
