"""The command that writes demo data to a file."""

import csv
import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from serving import eventually

from leadscoring.cli import demo
from leadscoring.cli.demo import SINGLY, demo_data
from leadscoring.cli.training import train
from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.exports.crm import CRMS, ENCODINGS
from leadscoring.demo.leads import demo_leads
from leadscoring.demo.many import many_leads
from leadscoring.training.reading.table import read_table


def run(*arguments: str | Path) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(demo_data, [str(argument) for argument in arguments])


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_writes_as_many_leads_as_asked(tmp_path: Path) -> None:
    """Identifier, date, the contract in order, and the outcome."""
    out = tmp_path / "leads.csv"
    result = run("--rows", "120", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"{out}: 120 leads" in result.output
    rows = read(out)
    assert len(rows) == 120
    assert list(rows[0]) == ["lead_id", "created_at", *CONTRACT.names, "converted"]
    assert {row["converted"] for row in rows} == {"0", "1"}
    assert rows[0]["created_at"] == "2024-01-01"


def test_a_file_holds_the_leads_that_its_seed_makes(tmp_path: Path) -> None:
    """Numbers survive the way through the file, and what is missing is an empty cell."""
    out = tmp_path / "leads.csv"
    run("--rows", "30", "--seed", "4", "--out", out)
    for row, lead in zip(read(out), demo_leads(30, 4), strict=True):
        read_back = {name: float(row[name]) if row[name] else None for name in CONTRACT.names}
        assert read_back == lead.features


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """A model trained on the file can be made again."""
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    run("--rows", "40", "--seed", "4", "--out", one)
    run("--rows", "40", "--seed", "4", "--out", other)
    assert one.read_bytes() == other.read_bytes()


def test_the_truth_is_written_when_asked_for(tmp_path: Path) -> None:
    """Only then, because a model that sees it learns nothing else."""
    out = tmp_path / "leads.csv"
    run("--rows", "10", "--with-truth", "--out", out)
    for row, lead in zip(read(out), demo_leads(10), strict=True):
        assert float(row["true_probability"]) == lead.probability


def test_parquet_holds_the_same_leads(tmp_path: Path) -> None:
    """With types: a date is a date, a count a whole number, missing is null."""
    out = tmp_path / "leads.parquet"
    result = run("--rows", "50", "--out", out)
    assert result.exit_code == 0, result.output
    table = pl.read_parquet(out)
    assert table.schema["created_at"] == pl.Date
    assert table.schema["website_visits_30d"] == pl.Int64
    for row, lead in zip(table.to_dicts(), demo_leads(50), strict=True):
        assert {name: row[name] for name in CONTRACT.names} == lead.features


def test_parquet_without_polars_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serving installation has no polars, and says so instead of failing."""
    monkeypatch.delitem(sys.modules, "leadscoring.demo.frames", raising=False)
    monkeypatch.setitem(sys.modules, "polars", None)
    result = run("--rows", "5", "--out", tmp_path / "leads.parquet")
    assert result.exit_code == 2
    assert "--out must end in .csv: " in result.output
    assert "leadscoring[train]" in result.output
    assert list(tmp_path.iterdir()) == []


def test_many_leads_without_numpy_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serving installation makes 100,000 leads, and says what more need instead of making others."""
    monkeypatch.delitem(sys.modules, "leadscoring.demo.frames", raising=False)
    monkeypatch.setitem(sys.modules, "polars", None)
    result = run("--rows", str(SINGLY + 1), "--out", tmp_path / "leads.csv")
    assert result.exit_code == 2
    assert "--rows above 100000 needs numpy and polars" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_many_leads_are_drawn_as_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Both formats hold the same leads, in order, with the columns and the count that fewer leads have."""
    monkeypatch.setattr(demo, "SINGLY", 99)
    out = tmp_path / f"leads{ending}"
    result = run("--rows", "60100", "--seed", "3", "--with-truth", "--out", out)
    assert result.exit_code == 0, result.output
    frame = pl.read_csv(out, try_parse_dates=True) if ending == ".csv" else pl.read_parquet(out)
    assert frame.columns == demo.columns(with_truth=True)
    assert frame.equals(pl.concat(many_leads(60_100, 3)))
    assert f"60100 leads, {frame['converted'].sum()} converted" in result.output


@pytest.mark.parametrize(
    ("name", "options"),
    [("leads.csv", ()), ("leads.parquet", ()), ("leads.csv", ("--like", "hubspot"))],
    ids=["leads", "Parquet", "export"],
)
def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """What was there stays, whole; nothing stands beside it, and the message names the file."""
    out = tmp_path / name
    out.write_text("what was there")
    command = [str(Path(sys.executable).parent / "leadscoring"), "demo-data", "--rows", "3000", "--out", str(out)]
    limited = f"ulimit -f 100; exec {shlex.join([*command, *options])}"  # 100 blocks of 1 KiB
    ran = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert re.search(f"cannot write {re.escape(str(out))}: .*File too large", " ".join(ran.stderr.split())), ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert out.read_text() == "what was there"


@pytest.mark.parametrize(
    ("name", "message"),
    [("leads.xlsx", "--out must end in .csv or .parquet"), ("absent/leads.csv", "must be in an existing folder")],
)
def test_a_file_that_cannot_be_written_is_refused_first(tmp_path: Path, name: str, message: str) -> None:
    """Before any lead is made."""
    result = run("--rows", "5", "--out", tmp_path / name)
    assert result.exit_code == 2
    assert message in result.output


def test_no_rows_is_refused(tmp_path: Path) -> None:
    """With what is allowed."""
    result = run("--rows", "0", "--out", tmp_path / "leads.csv")
    assert result.exit_code == 2
    assert "1<=x<=10000000" in result.output


@pytest.mark.parametrize("like", list(CRMS))
def test_an_export_is_written_with_its_truth_and_the_next_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, like: str
) -> None:
    """What was written, how it can be read, how good the truth is, and what to run: no line beyond 80 columns."""
    crm = CRMS[like]
    monkeypatch.chdir(tmp_path)
    result = run("--like", like, "--rows", "3000", "--out", "deals.csv", "--truth", "truth.csv")
    assert result.exit_code == 0, result.output
    truth = read(Path("truth.csv"))
    assert read_table("deals.csv").frame.height == 3000
    assert list(truth[0]) == [crm.key, "true_probability", "converted"]
    assert {row["converted"] for row in truth} == {"0", "1", ""}
    assert f"deals.csv: 3000 rows as {crm.title} exports them\n  {ENCODINGS[crm.encoding]}, " in result.output
    assert "with a ROC-AUC of 0.8" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize("like", list(CRMS))
def test_the_next_command_trains_on_the_export(tmp_path: Path, like: str) -> None:
    """Its words are arguments that the trainer takes, with the columns and values that the file has."""
    result = run("--like", like, "--rows", "2000", "--out", tmp_path / "my deals.csv")
    command = result.output.partition("Next:\n")[2].replace("\\\n", " ")
    program, verb, data, *options = shlex.split(command)
    assert (program, verb, data) == ("leadscoring", "train", str(tmp_path / "my deals.csv"))
    named = dict(zip(options[::2], options[1::2], strict=True))
    assert set(named) == {"--target", "--positive", "--time", "--out", "--report"}
    assert set(named) <= {option for parameter in train.params for option in parameter.opts}
    frame = read_table(data).frame
    assert {named["--target"], named["--time"]} <= set(frame.columns)
    assert set(named["--positive"].split(",")) < set(frame[named["--target"]])


def test_the_form_of_an_export_can_be_chosen(tmp_path: Path) -> None:
    """Locale, encoding and separator instead of the CRM's own."""
    out = tmp_path / "deals.csv"
    options = ("--locale", "eu", "--encoding", "utf-8", "--separator", "semicolon")
    result = run("--like", "salesforce", "--rows", "50", "--out", out, *options)
    assert "UTF-8, separated by semicolons" in result.output
    header, first = out.read_text("utf-8").splitlines()[:2]
    assert header.startswith('"Opportunity Owner";"Account Name"')
    assert re.search(r'"[\d.]+,\d\d €";', first)


def test_without_both_outcomes_there_is_no_figure(tmp_path: Path) -> None:
    """A single deal ranks nothing."""
    result = run("--like", "hubspot", "--rows", "1", "--out", tmp_path / "deals.csv")
    assert result.exit_code == 0, result.output
    assert "ROC-AUC" not in result.output
    assert "nan" not in result.output


@pytest.mark.parametrize("options", [(), ("--like", "hubspot", "--truth", "truth.csv")], ids=["leads", "export"])
def test_ctrl_c_leaves_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Neither a file nor a part of one, and no traceback."""
    program = str(Path(sys.executable).parent / "leadscoring")
    command = [program, "demo-data", "--rows", "10000000", "--out", "leads.csv", *options]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        assert eventually(lambda: any(path.stat().st_size > 0 for path in tmp_path.glob(".leads.csv.*.part")))
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
        assert running.stderr is not None
        assert running.stderr.read().splitlines()[-1] == "Interrupted; nothing was written."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--like", "hubspot", "--out", "deals.parquet"], "--out must end in .csv, .tsv or .txt, not 'deals.parquet'"),
        (["--like", "hubspot", "--out", "a.csv", "--truth", "b.json"], "--truth must end in .csv, not 'b.json'"),
        (
            ["--like", "hubspot", "--out", "a.csv", "--truth", "b/c.csv"],
            "--truth must be in an existing folder, not 'b'",
        ),
        (["--like", "hubspot", "--out", "a.csv", "--truth", "./a.csv"], "--truth and --out must be two files"),
        (["--like", "hubspot", "--out", "a.csv", "--with-truth"], "use --truth FILE with --like"),
        (["--like", "pipedrive", "--out", "a.csv"], "'pipedrive' is not one of 'hubspot', 'salesforce', 'dynamics'"),
        (["--out", "a.csv", "--truth", "b.csv"], "--truth can only be used with --like hubspot|salesforce|dynamics"),
        (["--out", "a.csv", "--locale", "eu", "--encoding", "utf-8"], "--locale and --encoding can only be used with"),
    ],
)
def test_options_that_do_not_fit_are_rejected_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """With what is allowed, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []


def test_an_export_without_numpy_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serving installation has none, and says so instead of failing."""
    monkeypatch.delitem(sys.modules, "leadscoring.demo.exports.write", raising=False)
    monkeypatch.setitem(sys.modules, "polars", None)
    result = run("--like", "hubspot", "--rows", "5", "--out", tmp_path / "deals.csv")
    assert result.exit_code == 2
    assert "--like needs numpy and polars" in result.output
    assert list(tmp_path.iterdir()) == []


def test_events_of_a_live_system_are_lines_of_json(tmp_path: Path) -> None:
    """The same to a file and to the terminal, and what they are is said."""
    asked = ["demo-data", "--live", "--days", "20", "--per-day", "4", "--steady", "--out"]
    result = run(*asked[1:], str(tmp_path / "events.jsonl"))
    assert result.exit_code == 0, result.output
    assert "20 days of 4 leads, scored" in result.output
    lines = (tmp_path / "events.jsonl").read_text("utf-8")
    assert run(*asked[1:], "-").output == lines
    events = [json.loads(line) for line in lines.splitlines()]
    assert (events[0]["event"], events[0]["changes"]) == ("course", [])
    assert {event["event"] for event in events[1:]} == {"scored", "outcome"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--live", "--like", "hubspot", "--out", "a.jsonl"], "--like cannot be used with --live"),
        (["--live", "--out", "a.csv"], ".jsonl or .ndjson"),
        (["--days", "3", "--steady", "--out", "a.csv"], "--days and --steady can only be used with --live"),
    ],
)
def test_options_of_events_belong_to_events(options: list[str], said: str) -> None:
    """Everything else is an error that says so."""
    result = run(*options)
    assert (result.exit_code, said in result.output + result.stderr) == (2, True), result.output
