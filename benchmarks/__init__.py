"""Benchmarks of the service, each relative to a reference that is measured in the same run."""
