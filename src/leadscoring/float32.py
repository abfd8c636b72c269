"""Numbers as the trees see them: float32 (IEEE 754 binary32)."""

from struct import pack, unpack

FLOAT32_MAX = 3.4028234663852886e38
"""The largest finite one."""


def single(value: float) -> float | None:
    """The nearest float32; ``None`` for what has no finite one."""
    return float(unpack("f", pack("f", value))[0]) if abs(value) <= FLOAT32_MAX else None
