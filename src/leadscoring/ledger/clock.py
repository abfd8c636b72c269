"""A clock that jumps must not make retention delete what is recent: the machine's steady clock tells jumps."""

import time

JUMP_SECONDS = 3600.0
"""A clock that is set right moves by less."""

PAUSE_SECONDS = 86_400.0
"""How long the clock is not trusted after a jump: long enough for somebody, or for NTP, to set it right."""


class Clock:
    """Compares the wall clock with the steady one since it was made."""

    def __init__(self) -> None:
        self._offset = offset()
        self._trusted_from = 0.0

    def jumped(self) -> float:
        """Returns by how many seconds the wall clock has jumped, 0 if it has not; after a jump it is the measure."""
        jump = offset() - self._offset
        if abs(jump) <= JUMP_SECONDS:
            return 0.0
        self._offset += jump
        self._trusted_from = time.monotonic() + PAUSE_SECONDS
        return jump

    @property
    def trusted(self) -> bool:
        """Whether the last jump was long enough ago."""
        return time.monotonic() >= self._trusted_from


def offset() -> float:
    """Returns how far the wall clock is ahead of the steady one, in seconds."""
    return time.time() - time.monotonic()
