"""Runs the service as one process or several workers, from startup to shutdown."""
