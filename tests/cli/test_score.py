"""``leadscoring score`` as people run it: real processes, their exit codes, and what they leave when they are killed."""

import gzip
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import bulk_files
import factories
import polars as pl
import pytest
from bulk_files import content, rejects_of, rows_of
from click.testing import CliRunner
from serving import eventually, serving

from leadscoring.bulk.places import places_of
from leadscoring.bulk.sources import sources_of
from leadscoring.cli.score import left_by
from leadscoring.cli.score import score as command

COMMAND = str(Path(sys.executable).parent / "leadscoring")
ENDLESS = 120
"""Seconds after which a test gives up."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model's file."""
    return factories.model_file(tmp_path_factory.mktemp("model"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of 40 leads, of which 2 are rejected."""
    path = tmp_path / "leads.csv"
    path.write_text(content([*["sound"] * 30, "text", *["unseen"] * 8, "long"]))
    return path


def score(*arguments: object, folder: Path, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    """Runs the command to its end, in a folder."""
    command = [COMMAND, "score", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=ENDLESS, check=False, **options)


def test_the_summary_and_the_exit_code_say_what_came_of_the_rows(model: Path, data: Path, tmp_path: Path) -> None:
    """Counts add up, files are named; 3 says that rows were rejected, 1 with --fail-on-rejects, 0 that none was."""
    found = score(model, data, "--out", "scores.csv", "--id", "crm id", folder=tmp_path)
    assert found.returncode == 3, found.stderr
    text = found.stdout.decode()
    assert "40 rows: 38 scored, 2 rejected" in text
    assert "wrote scores.csv" in text
    assert "wrote scores.rejects.csv" in text
    assert len(rows_of(tmp_path / "scores.csv")) == 38
    assert [one["line"] for one in rejects_of(tmp_path / "scores.rejects.csv")] == ["32", "41"]
    failing = score(model, data, "--out", "scores.csv", "--fail-on-rejects", "--overwrite", folder=tmp_path)
    assert failing.returncode == 1
    data.write_text(content(["sound"] * 5))
    last = score(model, data, "--out", "scores.csv", "--reasons", "0", "--overwrite", folder=tmp_path)
    assert last.returncode == 0
    assert "reason_1_feature" not in rows_of(tmp_path / "scores.csv")[0]


def test_json_is_all_that_is_on_stdout(model: Path, data: Path, tmp_path: Path) -> None:
    """Programs read the counts, all of them, and where everything is."""
    found = score(model, data, "--out", "scores.parquet", "--rejects", "no.csv", "--json", folder=tmp_path)
    facts = json.loads(found.stdout)
    assert facts["counts"]["rows"] == facts["counts"]["scored"] + facts["counts"]["rejected"] == 40
    assert (facts["out"], facts["rejects"]) == ("scores.parquet", "no.csv")
    assert pl.read_parquet(tmp_path / "scores.parquet").height == 38


def test_scores_flow_through_pipes(model: Path, data: Path, tmp_path: Path) -> None:
    """From standard input to standard output, compressed or not; words go to stderr, rejects into the folder."""
    plain = score(model, "-", input=data.read_bytes(), folder=tmp_path)
    packed = score(model, "-", "--out", "-", "--overwrite", input=gzip.compress(data.read_bytes()), folder=tmp_path)
    assert plain.returncode == packed.returncode == 3
    assert plain.stdout == packed.stdout
    assert plain.stdout.count(b"\n") == 39
    assert b"40 rows: 38 scored, 2 rejected" in plain.stderr
    assert len(rejects_of(tmp_path / "stdin.rejects.csv")) == 2


def test_parquet_in_a_pipe_is_a_message(model: Path, tmp_path: Path) -> None:
    """It cannot be read without its end: the error says to name the file; packed again, to unpack it."""
    pl.DataFrame({name: ["1"] for name in bulk_files.NAMES}).write_parquet(tmp_path / "leads.parquet")
    content = (tmp_path / "leads.parquet").read_bytes()
    found = score(model, "-", input=content, folder=tmp_path)
    assert (found.returncode, found.stdout) == (1, b"")
    assert b"Parquet cannot be read from a pipe: name the file" in b" ".join(found.stderr.split())
    (tmp_path / "leads.parquet.gz").write_bytes(gzip.compress(content))
    packed = score(model, "leads.parquet.gz", folder=tmp_path)
    assert packed.returncode == 1
    assert b"compressed Parquet: unpack it" in b" ".join(packed.stderr.split())


@pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed_or_full_cost_no_row(model: Path, data: Path, tmp_path: Path, redirected: str) -> None:
    """The exit code is that of the rows, and the scores are there: words that nobody can read are no reason to fail."""
    line = f'exec "$0" score "$1" "$2" --out s.csv --id "crm id" {redirected}'
    command = ["/bin/sh", "-c", line, COMMAND, str(model), str(data)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=ENDLESS, check=False)
    assert found.returncode == 3, found.stderr
    assert len(rows_of(tmp_path / "s.csv")) == 38


def test_a_closed_stream_that_is_needed_is_a_message(model: Path, data: Path, tmp_path: Path) -> None:
    """Nothing is read or written, neither leads nor scores; a full standard output is named."""
    for redirected, leads, code, words in (
        ("<&-", "-", 1, "standard input cannot be read: it is closed"),
        (">&-", str(data), 2, "standard output is closed: --out FILE names where scores go"),
        (">/dev/full", str(data), 1, "cannot write to standard output: No space left on device"),
        (">/dev/full", f"{data} --out s.csv", 1, "Error: standard output: No space left on device"),
    ):
        command = ["/bin/sh", "-c", f'exec "$0" score "$1" {leads} {redirected}', COMMAND, str(model)]
        found = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=ENDLESS, check=False)
        assert (found.returncode, words in " ".join(found.stderr.decode().split())) == (code, True), found.stderr


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4, 5])
def test_an_empty_value_is_wrong_usage(model: Path, place: int) -> None:
    """It is not the current folder or a default: often a variable of the shell was not set."""
    names = ["DATA", "--out", "--rejects", "--as-of", "--id", "--columns"]
    options = [] if place == 0 else [names[place], ""]
    found = CliRunner().invoke(command, [str(model), "" if place == 0 else "leads.csv", *options])
    assert found.exit_code == 2
    assert f"{names[place]} is empty" in found.stderr


def test_mistakes_are_messages(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says what is wrong, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(content(["sound"] * 3000).encode())[:-200])
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "folder").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    for words, *arguments in (
        ("cannot be read", model, "absent.csv", "--out", "s.csv"),
        ("has no file that ends in", model, "folder", "--out", "s.csv"),
        ("no file matches", model, "*.tsv", "--out", "s.csv"),
        ("is empty", model, "empty.csv", "--out", "s.csv"),
        ("which the model needs", model, "other.csv", "--out", "s.csv"),
        ("it would be overwritten", model, data, "--out", data),
        ("it would be overwritten", model, data, "--out", "s.csv", "--rejects", data),
        ("must end in .csv", model, data, "--out", "s.csv", "--rejects", model),
        ("must end in .csv, .tsv, .parquet", model, data, "--out", "scores.xlsx"),
        ("there is no folder", model, data, "--out", "nowhere/scores.csv"),
        ("has no such column; did you mean 'crm id'", model, data, "--out", "s.csv", "--id", "crm_id"),
        ("--as-of must be a time", model, data, "--out", "s.csv", "--as-of", "tomorrow"),
        ("is cut off", model, "cut.csv.gz", "--out", "s.csv"),
        ("cannot be read", "absent.json", data, "--out", "s.csv"),
    ):
        found = CliRunner().invoke(command, [str(one) for one in arguments])
        assert found.exit_code == 1, arguments
        assert words in " ".join(found.stderr.split())
        assert "Traceback" not in found.output
        assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_folder_without_permission_is_a_message(model: Path, data: Path, tmp_path: Path) -> None:
    """The error names the place where nothing may be written."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "closed").mkdir(mode=0o500)
    found = score(model, data, "--out", "closed/scores.csv", folder=tmp_path)
    assert found.returncode == 1
    assert b"permission denied" in found.stderr


def test_a_full_disk_is_a_message_and_the_run_goes_on_later(model: Path, tmp_path: Path) -> None:
    """The error says where; with room again, --resume completes the same bytes. Short runs record nothing to keep."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 15_000))
    limit = 2_000_000

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    arguments = (model, "leads.csv", "--id", "crm id")
    full = score(*arguments, "--out", "scores.csv", folder=tmp_path, preexec_fn=limited)
    assert full.returncode == 1
    assert b"cannot write scores.csv" in full.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["leads.csv"]
    assert score(*arguments, "--out", "scores.csv", "--resume", folder=tmp_path).returncode == 0
    assert score(*arguments, "--out", "whole.csv", folder=tmp_path).returncode == 0
    assert (tmp_path / "scores.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_killed_process_loses_and_doubles_nothing(model: Path, tmp_path: Path, ending: str) -> None:
    """Killed twice while it writes and resumed, it leaves what an undisturbed run leaves, and no other file."""
    long = content([*["sound"] * 500, "text", "outside"] * 40).replace("lead ", "l" * 240)  # more than one block
    (tmp_path / "leads.csv").write_text(long)
    arguments = [COMMAND, "score", str(model), "leads.csv", "--id", "crm id", "--reasons", "1", "--overwrite"]
    out = ["--out", f"scores.{ending}"]
    part = tmp_path / f".scores.{ending}.part"
    for _ in range(2):
        process = subprocess.Popen(
            [*arguments, *out, "--resume"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        reached = size_of(part)
        eventually(lambda: process.poll() is not None or size_of(part) > reached + 1000, ENDLESS)  # noqa: B023 - at once
        process.kill()
        process.wait(ENDLESS)
    assert (
        subprocess.run([*arguments, *out, "--resume"], cwd=tmp_path, capture_output=True, check=False).returncode == 3
    )
    whole = [*arguments, "--out", f"whole.{ending}"]
    assert subprocess.run(whole, cwd=tmp_path, capture_output=True, check=False).returncode == 3
    assert (tmp_path / f"scores.{ending}").read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()
    rejects = [(tmp_path / f"{name}.rejects.csv").read_bytes() for name in ("scores", "whole")]
    assert rejects[0] == rejects[1]
    names = {"leads.csv", *(f"{name}.{kind}" for name in ("scores", "whole") for kind in (ending, "rejects.csv"))}
    assert {path.name for path in tmp_path.iterdir()} == names


def size_of(path: Path) -> int:
    """The bytes of a file that may be absent."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_an_interruption_names_every_file_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores, rejects and journal, wherever they are; of standard output and input nothing stays."""
    monkeypatch.chdir(tmp_path)
    Path("leads.csv").write_text("a")
    sources, piped = sources_of("leads.csv"), sources_of("-")
    words = left_by(places_of("m", "leads.csv", sources, "s.csv", None))
    assert "delete .s.csv.part, .s.rejects.csv.part, .s.csv.journal in . to give up" in words
    Path("other").mkdir()
    words = left_by(places_of("m", "leads.csv", sources, "s.csv", "other/no.csv"))
    assert "delete .s.csv.part, other/.no.csv.part, .s.csv.journal to give up" in words
    assert left_by(places_of("m", "-", piped, "s.csv", None)) == "nothing was written"


def test_two_runs_do_not_write_one_output(model: Path, tmp_path: Path) -> None:
    """The second says that another one writes it."""
    import fcntl

    (tmp_path / "leads.csv").write_text(content(["sound"] * 10))
    with (tmp_path / ".scores.csv.journal").open("w") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        found = score(model, "leads.csv", "--out", "scores.csv", folder=tmp_path)
    assert found.returncode == 1
    assert b"another run is writing this output" in found.stderr


@pytest.mark.skipif(shutil.which("zstd") is None, reason="needs zstd")
def test_every_compression_gives_the_same(model: Path, data: Path, tmp_path: Path) -> None:
    """gzip, bzip2, xz and Zstandard are found by their bytes, not by the name."""
    score(model, data, "--out", "plain.csv", folder=tmp_path)
    for program in ("gzip", "bzip2", "xz", "zstd"):
        if shutil.which(program) is None:
            continue
        packed = subprocess.run([program, "-c", str(data)], capture_output=True, check=True).stdout
        (tmp_path / "packed").write_bytes(packed)
        assert score(model, "packed", "--out", "scores.csv", "--overwrite", folder=tmp_path).returncode == 3, program
        assert (tmp_path / "scores.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_a_reader_that_has_seen_enough_ends_it_quietly(model: Path, tmp_path: Path) -> None:
    """As other programs in a pipe: no error, the code of SIGPIPE, and no file but the data."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 20_000))
    command = [COMMAND, "score", str(model), "leads.csv"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"id,probability,tier")
    process.stdout.close()
    words = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(ENDLESS) == 141
    assert not [line for line in words.splitlines() if line[:1] not in "0123456789"], "progress alone"
    assert [path.name for path in tmp_path.iterdir()] == ["leads.csv"]


def test_no_file_is_replaced_without_overwrite(model: Path, data: Path, tmp_path: Path) -> None:
    """The words are those of train; --overwrite replaces both files, also where nothing is rejected any more."""
    (tmp_path / "scores.csv").write_text("mine")
    found = score(model, data, "--out", "scores.csv", folder=tmp_path)
    assert found.returncode == 1
    assert "scores.csv exists: name another file for --out, or replace it with --overwrite" in " ".join(
        found.stderr.decode().split()
    )
    assert (tmp_path / "scores.csv").read_text() == "mine"
    assert score(model, data, "--out", "scores.csv", "--overwrite", folder=tmp_path).returncode == 3
    assert len(rows_of(tmp_path / "scores.csv")) == 38


def test_lines_in_another_encoding_are_named(model: Path, tmp_path: Path) -> None:
    """The summary says how many there are, and which; the JSON too."""
    text = content(["sound", "umlaut", "sound", "umlaut"]).encode().split(b"\n")
    text[2] = text[2].decode().encode("cp1252")
    (tmp_path / "leads.csv").write_bytes(b"\n".join(text))
    found = score(model, "leads.csv", "--id", "crm id", "--out", "scores.csv", folder=tmp_path)
    assert "1 line (line 3) not UTF-8: read as Windows-1252" in found.stdout.decode()
    assert [one["id"] for one in rows_of(tmp_path / "scores.csv")] == ["lead 0", "lead 1 ü", "lead 2", "lead 3 ü"]
    facts = json.loads(score(model, "leads.csv", "--out", "other.csv", "--json", folder=tmp_path).stdout)
    assert (facts["counts"]["foreign"], facts["counts"]["foreign_lines"]) == (1, ["3"])


def test_scores_are_those_of_a_running_service(model: Path, tmp_path: Path) -> None:
    """Each lead of a file has the same probability, reasons and warnings as over HTTP, to the last bit."""
    kinds = ["sound", "unseen", "unknown", "outside"] * 10
    (tmp_path / "leads.csv").write_text(content(kinds))
    score(model, "leads.csv", "--out", "scores.csv", "--id", "crm id", folder=tmp_path)
    scores = {one["id"]: one for one in rows_of(tmp_path / "scores.csv")}
    with serving(tmp_path, model) as server:
        for number, kind in enumerate(kinds):
            lead = bulk_files.lead_of(kind, number)
            answer = server.http.post("/api/v1/score", json=lead)
            own = scores.get(lead["lead_id"])
            assert (answer.status_code == 200) == (own is not None)
            if own is not None:
                assert float(own["probability"]) == answer.json()["score"]["raw_score"]
                shares = [float(own[f"reason_{place}_contribution"]) for place in range(1, 6)]
                assert shares == [reason["contribution"] for reason in answer.json()["reasons"]]
                assert bool(own["warnings"]) == bool(answer.json()["warnings"])


def test_a_killed_run_that_records_puts_each_lead_into_the_ledger_once(model: Path, tmp_path: Path) -> None:
    """Killed twice while it writes and resumed, without a service: every scored lead is there, and was given once."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 60_000).replace("lead ", "l" * 200))
    arguments = [COMMAND, "score", str(model), "leads.csv", "--id", "crm id", "--out", "scores.csv", "--record"]
    environment = os.environ | {"LEDGER": "on"}
    part = tmp_path / ".scores.csv.part"
    for _ in range(2):
        process = subprocess.Popen(
            [*arguments, "--resume"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        reached = size_of(part)
        eventually(lambda: process.poll() is not None or size_of(part) > reached + 1000, ENDLESS)  # noqa: B023 - at once
        process.kill()
        process.wait(ENDLESS)
    found = subprocess.run([*arguments, "--resume"], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr
    assert b"60,000 rows recorded for the ledger" in found.stdout
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as ledger:
        assert (
            ledger.execute("SELECT count(*), sum(times), count(DISTINCT lead) FROM score").fetchone() == (60_000,) * 3
        )
    assert not list((tmp_path / "data" / "tape").glob("*.tape*"))
    rest = score(model, "leads.csv", "--out", "again.csv", "--record", folder=tmp_path)
    assert rest.returncode == 1
    assert "LEDGER is empty" in " ".join(rest.stderr.decode().split())
