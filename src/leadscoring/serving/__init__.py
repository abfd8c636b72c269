"""One process or several workers, from their start to their end."""
