"""The folder of tapes is private, bounded, and makes segments whole or not at all."""

import os
import stat
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from leadscoring.errors import CannotStart
from leadscoring.ledger.segments import header_of, segments_in
from leadscoring.ledger.tape_folder import TapeFolder, TapeFull

SMALL = 1 << 16


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also if it was there before; so are the segments."""
    path = tmp_path / "data" / "tape"
    path.mkdir(parents=True, mode=0o755)
    os.close(TapeFolder(path, SMALL, SMALL).make_segment())
    (segment,) = segments_in(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600


def test_a_segment_has_all_its_blocks_and_its_header(tmp_path: Path) -> None:
    """A disk that fills up later cannot take them away."""
    os.close(TapeFolder(tmp_path, SMALL, SMALL).make_segment())
    (segment,) = segments_in(tmp_path)
    assert segment.stat().st_blocks * 512 >= segment.stat().st_size == SMALL
    header = header_of(segment.read_bytes())
    assert header is not None
    assert header.owner == segment.name.partition("-")[0]
    assert header.owner.startswith(f"{os.getpid()}_")
    assert header.instance


def test_the_limit_holds_for_all_processes_together(tmp_path: Path) -> None:
    """Room comes back when a segment is gone."""
    one, other = (TapeFolder(tmp_path, 3 * SMALL, SMALL) for _ in range(2))
    held = [one.make_segment(), other.make_segment(), one.make_segment()]
    for folder in (one, other):
        with pytest.raises(TapeFull, match="LEDGER_TAPE_BYTES are used up"):
            folder.make_segment()
    assert one.size() == 3 * SMALL
    segments_in(tmp_path)[0].unlink()
    held.append(other.make_segment())
    for descriptor in held:
        os.close(descriptor)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    path = tmp_path / "tiny"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system needs root and the right to mount: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_known_when_a_segment_is_made(tiny: Path) -> None:
    """Nothing is left of the one that did not fit, and there is room again after another is gone."""
    folder = TapeFolder(tiny / "tape", 1 << 30, SMALL)
    held = [folder.make_segment(), folder.make_segment()]
    with pytest.raises(TapeFull, match="No space left on device"):
        held.extend(folder.make_segment() for _ in range(3))
    assert len(segments_in(tiny / "tape")) == len(held)
    assert not list((tiny / "tape").glob("*.new"))
    os.close(held.pop())
    segments_in(tiny / "tape")[-1].unlink()
    held.append(folder.make_segment())
    for descriptor in held:
        os.close(descriptor)


def test_what_a_killed_process_was_making_is_removed(tmp_path: Path) -> None:
    """A segment has its name only when it is whole."""
    (tmp_path / "1_2-000001.tape.new").write_bytes(bytes(100))
    TapeFolder(tmp_path, SMALL, SMALL)
    assert not list(tmp_path.glob("*.new"))


def test_a_folder_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path) -> None:
    """With the setting, the path and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"LEDGER_TAPE_PATH .*tape cannot be used: Not a directory"):
        TapeFolder(tmp_path / "file" / "tape", SMALL)


def test_a_model_is_kept_under_its_digest(tmp_path: Path) -> None:
    """The first content that has it; what is there is not written again."""
    folder = TapeFolder(tmp_path, SMALL, SMALL)
    digest = sha256(b"model").hexdigest()
    folder.keep_model(digest, lambda: iter([b"another", b"model"]))
    assert (tmp_path / "models" / digest).read_bytes() == b"model"
    folder.keep_model(digest, lambda: iter([]))


def test_a_model_whose_file_has_changed_is_an_error(tmp_path: Path) -> None:
    """Its scores could never be computed again."""
    folder = TapeFolder(tmp_path, SMALL, SMALL)
    with pytest.raises(CannotStart, match="the model file has changed"):
        folder.keep_model(sha256(b"model").hexdigest(), lambda: iter([b"another"]))
    assert not list((tmp_path / "models").iterdir())
