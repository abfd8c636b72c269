"""Closed standard streams cost nothing: no file gets their numbers, and no command fails for them."""

import io
import os
import subprocess
import sys

from leadscoring.standard_streams import is_closed, silence

CODE = """
import sys
from leadscoring.standard_streams import complete_streams, is_closed
complete_streams()
file = open({name!r}, "w")
print("printed")
print("an error", file=sys.stderr)
facts = [is_closed(sys.stdin), is_closed(sys.stdout), is_closed(sys.stderr), file.fileno() > 2, sys.stdin.read()]
import subprocess
child = subprocess.run([sys.executable, "-c", "import os; print(sum(map(bool, map(os.fstat, range(3)))) == 0)"])
print(facts, child.returncode, file=file)
"""


def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path: object) -> None:
    """What is printed goes nowhere, standard input is empty, and a process that is started has all three."""
    for closed in ((0,), (1,), (0, 1, 2)):
        name = f"{tmp_path}/{len(closed)}{sum(closed)}"
        redirected = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in closed)
        command = ["/bin/sh", "-c", f'"$0" -c "$1" {redirected}', sys.executable, CODE.format(name=name)]
        ended = subprocess.run(command, input=b"", capture_output=True, check=False)
        assert ended.returncode == 0, (closed, ended.stderr)
        facts = [number in closed for number in range(3)] + [True, ""]
        with open(name, encoding="utf-8") as file:  # noqa: PTH123 - as the process wrote it
            assert file.read() == f"{facts} 0\n"


def test_a_stream_that_python_does_not_have_is_closed() -> None:
    """As in a process without a console; one that was replaced is open."""
    assert is_closed(None)
    assert not is_closed(io.StringIO())


def test_a_silenced_stream_takes_what_is_left() -> None:
    """So that the process ends as it would have; a stream in memory has no number to lead elsewhere."""
    code = (
        "import sys; from leadscoring.standard_streams import silence\n"
        "try: print('x', flush=True)\nexcept OSError: silence(sys.stdout)\nsys.exit(7)"
    )
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        assert subprocess.run([sys.executable, "-c", code], stdout=full, check=False).returncode == 7
    silence(io.StringIO())
    assert os.fstat(1)
