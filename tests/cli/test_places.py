"""A place where nothing can be written is an error before any work."""

import os
from pathlib import Path

import click
import pytest

from leadscoring.cli.places import refuse_no_folder, refuse_unwritable


def test_a_place_in_folders_that_do_not_exist_is_fine(tmp_path: Path) -> None:
    """They are created; so is a file that is there, which another option protects."""
    refuse_unwritable(tmp_path / "a" / "b" / "model.json", "--out")
    refuse_no_folder(tmp_path / "a" / "b", "--report")
    (tmp_path / "model.json").touch()
    refuse_unwritable(tmp_path / "model.json", "--out")
    refuse_no_folder(tmp_path, "--report")


def test_the_error_names_the_option_the_place_and_what_is_allowed(tmp_path: Path) -> None:
    """For a folder in place of a file, a file in place of a folder, and a file on the way."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(click.ClickException, match=r"--out must be a file, not the folder .*: name a file in it"):
        refuse_unwritable(tmp_path, "--out")
    with pytest.raises(click.ClickException, match="--report must be a folder, not the file"):
        refuse_no_folder(file, "--report")
    with pytest.raises(click.ClickException, match=r"cannot write .*/file/a/m.json: .*/file is no folder"):
        refuse_unwritable(file / "a" / "m.json", "--out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    """With the option to change."""
    tmp_path.chmod(0o500)
    with pytest.raises(click.ClickException, match="no permission to write to the folder"):
        refuse_unwritable(tmp_path / "m.json", "--out")


def test_a_folder_in_which_no_file_can_be_created_is_named_before_the_work() -> None:
    """Permissions do not show it: a system folder of processes takes no files, even from root."""
    for refuse, path, option in (
        (refuse_no_folder, Path("/proc/report"), "--report"),
        (refuse_unwritable, Path("/proc/m.json"), "--out"),
    ):
        with pytest.raises(click.ClickException, match=rf"cannot write {path}: .*the folder /proc.* {option}"):
            refuse(path, option)
