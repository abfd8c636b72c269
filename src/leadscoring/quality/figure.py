"""A measured value with its interval, without the libraries that may have measured it."""

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """A measured value and its interval with 95 % coverage."""

    value: float
    low: float
    high: float
