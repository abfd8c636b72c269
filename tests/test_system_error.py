"""Errors of the system say what is in the way."""

import errno
import os

import pytest

from leadscoring.system_error import WORDS, why


@pytest.mark.parametrize("number", sorted({*WORDS, errno.ENOSPC, errno.ENOENT}))
def test_an_error_of_the_system_is_one_line(number: int) -> None:
    """In words of ours, or in those of the system where they say all."""
    words = why(OSError(number, os.strerror(number), "leads.csv"))
    assert words == WORDS.get(number, os.strerror(number))
    assert "\n" not in words


def test_a_disk_says_why_it_takes_nothing() -> None:
    """Full, read-only and a used quota are three things to do."""
    found = {why(OSError(number, os.strerror(number))) for number in (errno.ENOSPC, errno.EROFS, errno.EDQUOT)}
    assert found == {"No space left on device", "the file system is read-only", "the disk quota is used up"}


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ValueError("embedded null byte\nmore"), "embedded null byte"),
        (OSError(), "OSError"),
        (OSError(errno.EIO, "parquet: underlying IO error: No space left on device (os error 28)"), os.strerror(28)),
        (RuntimeError("read-only file system (os error 30)"), "the file system is read-only"),
        (EOFError("\n"), "EOFError"),
    ],
)
def test_other_errors_have_their_own_words(failure: Exception, words: str) -> None:
    """The first line of them, or what kind they are."""
    assert why(failure) == words
