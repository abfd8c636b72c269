"""Numbers in the precision of the trees: float32 (IEEE 754 binary32)."""

from struct import pack, unpack

FLOAT32_MAX = 3.4028234663852886e38
"""The largest finite float32."""


def single(value: float) -> float | None:
    """The nearest float32; ``None`` if it would not be finite."""
    return float(unpack("f", pack("f", value))[0]) if abs(value) <= FLOAT32_MAX else None
