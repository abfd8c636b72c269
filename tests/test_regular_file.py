"""A path that an operator gives is opened when it is a file, and refused at once when it is anything else."""

import os
import socket
from pathlib import Path

import pytest

from leadscoring.errors import ModelNotFound
from leadscoring.model.file import open_model
from leadscoring.regular_file import NotRegular, opened


def test_a_file_is_opened(tmp_path: Path) -> None:
    """A link to one too."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    with opened(tmp_path / "link") as file:
        assert file.read() == b"content"


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe would keep everyone waiting, a device would never end."""
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a directory"), ("/dev/zero", "a device")):
        with pytest.raises(NotRegular, match=f"not a regular file, but {kind}"):
            opened(path)
        with pytest.raises(ModelNotFound, match=f"not a regular file, but {kind}"):
            open_model(path)


def test_a_socket_is_refused(tmp_path: Path) -> None:
    """As the system says."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="No such device"):
            opened(tmp_path / "socket")
