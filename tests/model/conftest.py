"""The fixtures of the tests of models."""

from grown import grow, variant

__all__ = ["grow", "variant"]
