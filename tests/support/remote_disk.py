"""A real mounted file system that is of another machine by its type: FUSE's, under the name that sshfs mounts."""

import ctypes
import errno
import os
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TYPE = "fuse.sshfs"
REQUEST = struct.Struct("<IIQQIIII")
RESPONSE = struct.Struct("<IiQ")
INIT, GETATTR = 26, 3
PROTOCOL = struct.pack("<IIIIHHI", 7, 12, 0, 0, 1, 1, 4096)
ROOT = struct.pack("<QII6Q10I", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o700, 2, 0, 0, 0, 4096, 0)
"""An empty folder; whatever else is asked for does not exist."""

DETACH = 2


@contextmanager
def remote_disk(folder: Path) -> Iterator[Path]:
    """Mounts one, which is empty, on a new folder; skips the test where that is not allowed."""
    folder.mkdir()
    try:
        channel = os.open("/dev/fuse", os.O_RDWR)
    except OSError as failure:
        pytest.skip(f"FUSE cannot be used here: {failure.strerror}")
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={channel},rootmode={stat.S_IFDIR:o},user_id=0,group_id=0".encode()
    if libc.mount(b"far:/", bytes(folder), TYPE.encode(), 0, options):
        os.close(channel)
        pytest.skip(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}")
    serving = threading.Thread(target=serve, args=(channel,), daemon=True)
    serving.start()
    try:
        yield folder
    finally:
        libc.umount2(bytes(folder), DETACH)
        serving.join(10)
        os.close(channel)


def serve(channel: int) -> None:
    """Responds to the kernel until the file system is unmounted."""
    while True:
        try:
            request = os.read(channel, 1 << 17)
        except OSError as failure:
            if failure.errno == errno.ENOENT:  # a request that was interrupted
                continue
            return
        _, operation, unique, *_ = REQUEST.unpack_from(request)
        content = {INIT: PROTOCOL, GETATTR: ROOT}.get(operation)
        if operation not in {2, 36, 42}:  # those that nobody waits for
            error = 0 if content is not None else -errno.ENOENT
            body = content or b""
            os.write(channel, RESPONSE.pack(RESPONSE.size + len(body), error, unique) + body)
