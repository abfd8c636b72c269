"""Network shares, on which SQLite loses data: recognized by the type of their file system."""

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = frozenset(
    (
        "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
        "smb3", "smbfs", "fuse.blobfuse", "fuse.blobfuse2", "fuse.ceph", "fuse.ceph-fuse", "fuse.davfs",
        "fuse.gcsfuse", "fuse.glusterfs", "fuse.grpcfuse", "fuse.juicefs", "fuse.mount-s3", "fuse.osxfs",
        "fuse.rclone", "fuse.s3fs", "fuse.seaweedfs", "fuse.smbnetfs", "fuse.sshfs",
    )
)  # fmt: skip
"""File systems whose locks and shared memory reach other machines unreliably, or not at all."""


def network_share(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Returns the type of the network share that ``path`` is on, ``None`` if it is on none.

    ``path`` need not exist. A system without ``mounts``, such as macOS, reports no type: nothing is a share there.
    """
    place = path.resolve()
    holding = [
        (len(point.parts), at, kind) for at, (point, kind) in enumerate(mounted(mounts)) if place.is_relative_to(point)
    ]
    kind = max(holding)[2] if holding else ""  # of two at one point, the later hides the earlier
    return kind if kind in NETWORK else None


def mounted(mounts: Path) -> list[tuple[Path, str]]:
    """Returns the mounted file systems, in the order in which they were mounted: place and type."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    halves = [line.partition(" - ") for line in lines]
    return [(Path(unescaped(before.split(" ")[4])), after.split(" ")[0]) for before, _, after in halves]


def unescaped(name: str) -> str:
    """Returns a path as it is: the kernel writes spaces and other separators in octal."""
    for octal in ("040", "011", "012", "134"):
        name = name.replace(f"\\{octal}", chr(int(octal, 8)))
    return name
