"""Network shares are recognized by the type of their file system."""

from pathlib import Path

import pytest
from remote_disk import remote_disk

from leadscoring.errors import LedgerUnusable
from leadscoring.ledger.database import open_ledger
from leadscoring.ledger.share import network_share

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:40 / /srv/nfs rw - nfs4 10.0.0.1:/export rw,vers=4.2
24 23 0:41 / /srv/nfs/local rw - xfs /dev/vdb rw
25 22 0:42 / /mnt/with\\040space rw master:1 - cifs //files/share rw
26 22 0:43 / /over rw - nfs host:/x rw
27 22 0:44 / /over rw - ext4 /dev/vdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/ledger.db", None),
        ("/srv/nfs/ledger.db", "nfs4"),
        ("/srv/nfs/deep/in/it.db", "nfs4"),
        ("/srv/nfs/local/ledger.db", None),
        ("/srv/nfs2/ledger.db", None),
        ("/mnt/with space/ledger.db", "cifs"),
        ("/over/ledger.db", None),
    ],
)
def test_the_innermost_latest_mount_decides(path: str, kind: str | None, tmp_path: Path) -> None:
    """A local disk inside of a share is local; a share with a space in its name is one."""
    (tmp_path / "mounts").write_text(MOUNTS)
    assert network_share(Path(path), tmp_path / "mounts") == kind


def test_a_link_into_a_share_is_on_the_share(tmp_path: Path) -> None:
    """What counts is where the file is."""
    (tmp_path / "mounts").write_text(f"1 1 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path / 'far'} rw - nfs x rw\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    assert network_share(tmp_path / "near" / "ledger.db", tmp_path / "mounts") == "nfs"


def test_a_system_that_lists_no_mounts_has_no_share(tmp_path: Path) -> None:
    """As macOS, which is for developers."""
    assert network_share(tmp_path, tmp_path / "absent") is None


def test_sqlite_is_refused_on_a_share_that_is_mounted(tmp_path: Path) -> None:
    """By the type that the kernel gives; beside it the ledger opens."""
    with remote_disk(tmp_path / "far") as far:
        with pytest.raises(LedgerUnusable, match=r"on a network share \(fuse\.sshfs\).*postgresql://"):
            open_ledger(f"sqlite:///{far}/ledger.db")
        open_ledger(f"sqlite:///{tmp_path}/near.db").close()
