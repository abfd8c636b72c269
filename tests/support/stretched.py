"""How much is decoded in one call, which nothing else can happen in."""

import sys
from types import FrameType
from typing import Any


class Decoded:
    """While its context is open: the most bytes that one call of msgspec's decoder was given by our own code."""

    def __init__(self) -> None:
        self.most = 0

    def __enter__(self) -> "Decoded":
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _seen(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call" or not called.__name__.endswith("decode"):
            return
        if "msgspec" in f"{called.__module__} {type(called.__self__)}":
            given = [value for value in frame.f_locals.values() if isinstance(value, bytes)]
            self.most = max(self.most, *map(len, given))
