"""Numbers of things, in words."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number of things: ``1 row``, ``2,000 rows``; ``plural`` is that of a noun which gets more than an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
