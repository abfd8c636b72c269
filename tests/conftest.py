"""Fixtures that tests of several modules need, the order of tests, and failures shown as they happen."""

import logging
import os
import ssl
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from changed import changed_files, needs
from programs import program
from project import ROOT

SHARED_DATA = ROOT.parent / "shared" / "data"
"""Files of real leads, beside the project; they are not part of it."""

SHOWN_LINES = 40
"""Of a failure, when it happens; the whole of it comes at the end."""

if find_spec("hypothesis"):  # the environment of the tests of the infrastructure does without
    from hypothesis import settings

    settings.register_profile("by work", deadline=None)  # a machine that is busy fails no test
    settings.load_profile("by work")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--changed`` runs what a change needs and nothing else."""
    parser.addoption("--changed", action="store_true", help="run only tests of files that differ from the last commit")


@pytest.hookimpl(trylast=True)  # after the terminal has come
def pytest_configure(config: pytest.Config) -> None:
    """Where there is a terminal, which workers of a parallel run have not, failures go there at once."""
    if reporter := config.pluginmanager.get_plugin("terminalreporter"):
        config.pluginmanager.register(Failures(reporter))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What the change needs comes first."""
    changed = changed_files()

    @cache
    def first(path: Path) -> bool:
        return needs(path.relative_to(ROOT), path.read_text("utf-8"), changed)

    if changed:
        items.sort(key=lambda item: not first(item.path))
    if config.getoption("--changed"):
        wanted = sum(first(item.path) for item in items)
        config.hook.pytest_deselected(items=items[wanted:])
        del items[wanted:]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With ``--changed`` it is no failure that nothing had to run."""
    if session.config.getoption("--changed") and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs programs is skipped where one is missing; in CI it fails."""
    for marker in item.iter_markers("programs"):
        for name in marker.args:
            program(name)


class Failures:
    """Shows the end of each failure when it happens, in the middle of the dots."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test has ended."""
        if not report.failed:
            return
        self._reporter.ensure_newline()
        self._reporter.write_line(f"FAILED {report.nodeid} ({report.when})", red=True)
        for line in report.longreprtext.splitlines()[-SHOWN_LINES:]:
            self._reporter.write_line(f"    {line}")


@pytest.fixture(scope="module", autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A service that is opened in this process sets how it logs; the tests after it see what pytest has set."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(scope="session", autouse=True)
def authorities_are_read_once() -> Iterator[None]:
    """Each httpx client, and each call without one, reads all certificate authorities: 25 ms, also for plain HTTP."""
    made = ssl.create_default_context
    read = cache(lambda cafile: made(cafile=cafile))

    def context(*purpose: Any, **given: Any) -> ssl.SSLContext:
        return read(given["cafile"]) if not purpose and given.keys() == {"cafile"} else made(*purpose, **given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ssl, "create_default_context", context)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real lead data; without it a test is skipped, and in CI it fails unless CI knows it has none."""
    if SHARED_DATA.is_dir():
        return SHARED_DATA
    reason = "there are no real leads at ../shared/data beside the project"
    if os.environ.get("CI") and os.environ.get("REAL_LEADS") != "absent":
        pytest.fail(f"CI must measure on real leads, but {reason}")
    pytest.skip(reason)
