"""What the operating system's errors mean: its own words, and more where they leave open what is in the way."""

import errno
import os
import re

WORDS = {
    errno.EROFS: "the file system is read-only",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "File too large: more than the limit of this user or the file system (ulimit -f)",
    errno.EACCES: "permission denied",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.ENAMETOOLONG: "File name too long (most file systems take 255 bytes)",
    errno.EMFILE: "too many open files in this process (ulimit -n)",
    errno.EIO: "Input/output error: the device failed",
    errno.ENXIO: "it is a socket, or a device that is not there",
}

NUMBER = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust, as Polars is, name an error of the system."""


def why(failure: BaseException) -> str:
    """Why something failed, in one line: for errors of the system what is in the way, for others their text."""
    number, own = getattr(failure, "errno", None), getattr(failure, "strerror", None)
    if found := NUMBER.search(str(failure)):
        number, own = int(found[1]), os.strerror(int(found[1]))
    return WORDS.get(number or 0) or (own or str(failure).strip() or type(failure).__name__).splitlines()[0]
