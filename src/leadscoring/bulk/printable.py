"""Texts that can be written as UTF-8, whatever a file system has for names and a file for content."""


def printable(text: str) -> str:
    r"""A text in which bytes of a name that are not UTF-8, and what else has no encoding, are escaped as ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()
