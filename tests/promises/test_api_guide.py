"""Every command of docs/API.md works as it stands, against a real service."""

import json
from collections.abc import Iterator

import pytest
from desk import Desk, at_desk, commands_of
from project import ROOT

pytestmark = pytest.mark.integration

COMMANDS = [
    command for section in commands_of((ROOT / "docs" / "API.md").read_text("utf-8")).values() for command in section
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The project's folder, and a service that takes the demo key."""
    with at_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("curl ")])
def test_the_calls_of_the_page_are_answered(desk: Desk, command: str) -> None:
    """Each with success and JSON."""
    ran = desk.run(command)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)


def test_the_page_has_calls_and_nothing_else() -> None:
    """Another kind of command would not be tried."""
    assert len(COMMANDS) == len([command for command in COMMANDS if command.startswith("curl ")]) >= 3
