"""The fixtures of the engine's tests."""

from grown import grow, variant

__all__ = ["grow", "variant"]
