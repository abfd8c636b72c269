"""Where a command writes: checked before it works, since nobody wants to wait for an error."""

import os
from pathlib import Path
from tempfile import TemporaryFile

import click


def refuse_unwritable(path: Path, option: str) -> None:
    """Raises ``click.ClickException`` if no file can be written at ``path``, which an option names.

    Folders that do not exist are no hindrance: they are created.
    """
    if path.is_dir():
        raise click.ClickException(f"{option} must be a file, not the folder {path}: name a file in it")
    refuse_folder(path.parent, path, option)


def refuse_no_folder(path: Path, option: str) -> None:
    """Raises ``click.ClickException`` if ``path``, which an option names, is no folder and cannot become one."""
    if path.exists() and not path.is_dir():
        raise click.ClickException(f"{option} must be a folder, not the file {path}: name another one")
    refuse_folder(path, path, option)


def refuse_folder(folder: Path, path: Path, option: str) -> None:
    """Raises ``click.ClickException`` if nothing can be written into a folder, or into the nearest that exists."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists() or one.is_symlink())
    if not there.is_dir():
        raise click.ClickException(f"cannot write {path}: {there} is no folder; name another place for {option}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise click.ClickException(
            f"cannot write {path}: there is no permission to write to the folder {there}; name another place for "
            f"{option}"
        )
    if not takes_files(there):
        raise click.ClickException(
            f"cannot write {path}: no file can be created in the folder {there}; name another place for {option}"
        )


def takes_files(folder: Path) -> bool:
    """Whether a file can be created in a folder; permissions alone do not show it, as in ``/proc``."""
    try:
        with TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def refuse_data(path: Path, data: Path, option: str) -> None:
    """Raises ``click.ClickException`` if ``path``, which an option names, is the file of leads, by whatever name."""
    if path.exists() and data.exists() and path.samefile(data):
        raise click.ClickException(f"{option} {path} is also the data, which it would replace: name another file")
