"""Files of a cloud are scored as files of this machine are: found, read while they stay the same, and written whole."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bulk_files
import cloud
import clusters
import polars as pl
import pytest
from bulk_files import run

from leadscoring.bulk import batches, objects
from leadscoring.bulk.places import places_of, refuse_existing
from leadscoring.bulk.sources import sources_of
from leadscoring.errors import ScoringFileError
from leadscoring.model.loaded import LoadedModel

pytestmark = [
    clusters.needs("obstore", "moto", "flask"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets that the libraries keep for the next request
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # the same
]

KINDS = ["sound", "unknown", "umlaut", "long", "text", "short", "unseen", "sound"] * 60
LINES = bulk_files.content(KINDS).encode()


@pytest.fixture(scope="module")
def here() -> Iterator[cloud.Cloud]:
    """A server of S3, whose errors are final at the second try."""
    with pytest.MonkeyPatch.context() as patch, cloud.cloud_here() as started:
        patch.setitem(objects.RETRIES, "max_retries", 1)
        objects.store_of.cache_clear()
        yield started
        objects.store_of.cache_clear()


@pytest.fixture
def bucket(here: cloud.Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cloud.Cloud:
    """The server without faults and without scores; the current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    here.empty("scores.csv", "scores.rejects.csv", "scores.parquet")
    return here


def parquet(folder: Path) -> bytes:
    """The sound leads as Parquet."""
    names = ["crm id", *bulk_files.NAMES]
    frame = pl.DataFrame([bulk_files.cells(f"lead {number}") for number in range(300)], schema=names, orient="row")
    frame.write_parquet(folder / "leads.parquet", row_group_size=50)
    return (folder / "leads.parquet").read_bytes()


def test_objects_are_found_by_name_folder_and_pattern(bucket: cloud.Cloud) -> None:
    """As files are: a star stays within a folder, two do not, and what is hidden belongs to no folder."""
    for key in ("in/a.csv", "in/b=1/c.csv", "in/_SUCCESS", "in/d%20e.csv", "in/.hidden.csv"):
        bucket.put(key, b"a,b\n")
    assert objects.objects_of("s3://bucket/in/a.csv") == ["s3://bucket/in/a.csv"]
    folder = ["s3://bucket/in/a.csv", "s3://bucket/in/d e.csv"]
    assert objects.objects_of("s3://bucket/in/") == objects.objects_of("s3://bucket/in") == folder
    assert objects.objects_of("s3://bucket/in/[ab]*.csv") == folder[:1]
    assert objects.objects_of("s3://bucket/in/b=?/*") == ["s3://bucket/in/b=1/c.csv"]
    assert objects.objects_of("s3://bucket/in/**/c.csv") == ["s3://bucket/in/b=1/c.csv"]
    for address in ("s3://bucket/absent", "s3://bucket/in/*.tsv"):
        with pytest.raises(ScoringFileError, match=r"there is no object|no object matches"):
            objects.objects_of(address)


def test_the_storage_of_google_is_read_and_written(
    bucket: cloud.Cloud, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the interface that it shares with S3; the library puts the credentials of the environment to each request."""
    account = {"gcs_base_url": bucket.endpoint, "disable_oauth": True, "client_email": "", "private_key": ""}
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account | {"private_key_id": ""}))
    monkeypatch.setenv("GOOGLE_ALLOW_HTTP", "true")
    bucket.put("google/leads.csv", LINES)
    found = run(model, "gs://bucket/google/*.csv", "gs://bucket/scores.csv")
    assert found.files == ("gs://bucket/google/leads.csv",)
    assert len((bucket.get("scores.csv") or b"").splitlines()) == found.counts.scored + 1


@pytest.mark.parametrize(
    ("packed", "ending"),
    [
        (bytes, "parquet"),
        (gzip.compress, "csv"),
        (lambda text: text.decode().encode("utf-16"), "csv"),
        (parquet, "csv"),
        (parquet, "parquet"),
    ],
    ids=["csv to parquet", "gzip", "utf-16", "parquet to csv", "parquet"],
)
def test_scores_of_a_cloud_are_those_of_the_same_file_here(
    bucket: cloud.Cloud, model: LoadedModel, tmp_path: Path, packed: Callable[[Any], bytes], ending: str
) -> None:
    """Byte for byte, in any format; the rejects are beside the scores, and nothing stays in the current folder."""
    content = packed(tmp_path if packed is parquet else LINES)
    bucket.put("leads", content)
    (tmp_path / "leads").write_bytes(content)
    found = run(model, "s3://bucket/leads", f"s3://bucket/scores.{ending}", as_of="now")
    alike = run(model, "leads", Path(f"local.{ending}"), as_of="now")
    assert found.counts == alike.counts
    assert found.out == f"s3://bucket/scores.{ending}"
    assert bucket.get(f"scores.{ending}") == Path(f"local.{ending}").read_bytes()
    rejects = bucket.get("scores.rejects.csv")
    if found.counts.rejected:
        assert rejects is not None
        assert rejects.replace(b"s3://bucket/", b"") == Path("local.rejects.csv").read_bytes()
    else:
        assert rejects is None
    assert sorted(path.name for path in Path().iterdir() if path.suffix in {".part", ".journal"}) == []


def test_a_folder_of_objects_becomes_one_file_of_scores(bucket: cloud.Cloud, model: LoadedModel) -> None:
    """A line names the object that it is from."""
    for name in ("a.csv", "b.csv"):
        bucket.put(f"two/{name}", LINES)
    found = run(model, "s3://bucket/two/*.csv", "scores.csv")
    assert found.files == ("s3://bucket/two/a.csv", "s3://bucket/two/b.csv")
    assert found.counts.rows == 2 * len(KINDS)
    assert {one["file"] for one in bulk_files.rejects_of(Path("scores.rejects.csv"))} == set(found.files)


def test_no_half_object_is_ever_there(bucket: cloud.Cloud, tmp_path: Path) -> None:
    """While the parts of a large one are sent, the one before is read; so it is if the connection is cut for good."""
    seen: list[bytes | None] = []
    (tmp_path / "large").write_bytes(os.urandom(2 * objects.PART + 1))
    bucket.put("large", b"before")

    def watched(method: str, _path: str) -> None:
        if method == "PUT":
            seen.append(bucket.get("large"))

    def failing(_method: str, path: str) -> str | None:
        return "denied" if "partNumber=3" in path else None

    bucket.fault = failing
    with pytest.raises(ScoringFileError, match="access denied"):
        objects.send(tmp_path / "large", "s3://bucket/large")
    assert bucket.get("large") == b"before"
    bucket.fault = watched
    objects.send(tmp_path / "large", "s3://bucket/large")
    assert seen == [b"before"] * 3
    assert bucket.get("large") == (tmp_path / "large").read_bytes()


def test_a_connection_that_is_cut_ends_the_run_and_resume_goes_on(
    bucket: cloud.Cloud, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is at the output until then, and its bytes are those of an undisturbed run."""
    monkeypatch.setattr(batches, "BLOCK", 1500)
    monkeypatch.setattr(batches, "HEAD", 3000)
    for size in ("FIRST", "CHUNK"):
        monkeypatch.setattr(objects, size, 2000)
    bucket.put("leads.csv", LINES)
    run(model, "s3://bucket/leads.csv", Path("undisturbed.csv"), as_of="now")
    bucket.empty()
    left = iter(range(8))
    bucket.fault = lambda method, path: "cut" if method == "GET" and "leads" in path and not any_of(left) else None
    with pytest.raises(
        ScoringFileError, match=r"leads.csv cannot be read at byte \d+: no answer, or the connection was"
    ):
        run(model, "s3://bucket/leads.csv", "s3://bucket/scores.csv", as_of="now", recorded=0)
    assert bucket.get("scores.csv") is None
    bucket.empty()
    found = run(model, "s3://bucket/leads.csv", "s3://bucket/scores.csv", as_of="now", resume=True)
    assert found.resumed > 0
    assert bucket.get("scores.csv") == Path("undisturbed.csv").read_bytes()


def any_of(left: Iterator[int]) -> bool:
    """Whether there is one more, which is taken."""
    return next(left, None) is not None


def test_scores_that_could_not_be_sent_are_sent_by_resume(bucket: cloud.Cloud, model: LoadedModel) -> None:
    """Nothing is scored twice: the object with the leads is only looked at."""
    bucket.put("leads.csv", LINES)
    bucket.fault = lambda method, _path: "denied" if method == "PUT" else None
    with pytest.raises(
        ScoringFileError, match=r"s3:PutObject to write\. It is complete in \..*\.part; 480 .* --resume"
    ):
        run(model, "s3://bucket/leads.csv", "s3://bucket/scores.csv")
    bucket.empty()
    found = run(model, "s3://bucket/leads.csv", "s3://bucket/scores.csv", resume=True)
    assert found.resumed == found.counts.rows == len(KINDS)
    assert bucket.get("scores.csv")
    assert bucket.get("scores.rejects.csv")
    looks = sum(method == "GET" and "leads.csv" in path for method, path in bucket.asked)
    assert 1 <= looks <= 2  # what kind of file it is, and its columns, of which one has the ids


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_object_that_changes_meanwhile_ends_the_run(
    bucket: cloud.Cloud, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Also if its size and its beginning stay: its tag does not. Its scores are not kept."""
    for size in ("FIRST", "CHUNK"):
        monkeypatch.setattr(objects, size, 2000)
    monkeypatch.setattr(batches, "BLOCK", 1500)
    content = parquet(tmp_path) if kind == "parquet" else LINES
    bucket.put("leads", content)
    left = iter(range(4))

    def changing(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/leads") and not any_of(left):
            bucket.put("leads", content[:-9] + bytes(9) if kind == "csv" else content + b"more")

    bucket.fault = changing
    with pytest.raises(ScoringFileError, match=r"changed while it was scored.*no scores of it are kept"):
        run(model, "s3://bucket/leads", "s3://bucket/scores.csv")
    assert bucket.get("scores.csv") is None


def test_an_object_that_changed_is_not_gone_on_with(bucket: cloud.Cloud, model: LoadedModel) -> None:
    """The error says which one."""
    bucket.put("leads.csv", LINES)
    bucket.fault = lambda method, _path: "denied" if method == "PUT" else None
    with pytest.raises(ScoringFileError):
        run(model, "s3://bucket/leads.csv", "s3://bucket/scores.csv")
    bucket.empty()
    bucket.put("leads.csv", LINES.replace(b"event", b"event"[::-1]))
    with pytest.raises(ScoringFileError, match=r"--resume cannot go on, since s3://bucket/leads.csv has changed"):
        run(model, "s3://bucket/leads.csv", "s3://bucket/scores.csv", resume=True)


def test_no_object_is_replaced_unless_asked_for(bucket: cloud.Cloud, model: LoadedModel) -> None:
    """Neither scores nor rejects; who has no right to look can ask for it, too."""
    out = "s3://bucket/scores.csv"
    bucket.put("leads.csv", LINES)
    places = places_of("m.json", "s3://bucket/leads.csv", sources_of("s3://bucket/leads.csv"), out, None)
    refuse_existing(places, resume=False, overwrite=False)
    for name in ("scores.rejects.csv", "scores.csv"):
        bucket.put(name, b"earlier")
        with pytest.raises(ScoringFileError, match=rf"s3://bucket/{name} exists: .* replace it with --overwrite"):
            refuse_existing(places, resume=False, overwrite=False)
    bucket.fault = lambda method, _path: "denied" if method == "HEAD" else None
    with pytest.raises(ScoringFileError, match=r"cannot be looked for \(--overwrite writes .*\): access denied"):
        refuse_existing(places, resume=False, overwrite=False)
    bucket.empty()
    refuse_existing(places, resume=False, overwrite=True)
    run(model, "s3://bucket/leads.csv", out)
    assert bucket.get("scores.csv") != b"earlier"


def test_rejects_of_an_earlier_run_are_removed(bucket: cloud.Cloud, model: LoadedModel) -> None:
    """Without the right to see whether there are some, a remark says so."""
    bucket.put("sound.csv", bulk_files.content(["sound"] * 5).encode())
    bucket.put("scores.rejects.csv", b"earlier")
    assert "no right" not in str(run(model, "s3://bucket/sound.csv", "s3://bucket/scores.csv").notes)
    assert bucket.get("scores.rejects.csv") is None
    bucket.fault = lambda _method, path: "denied" if "rejects" in path else None
    notes = run(model, "s3://bucket/sound.csv", "s3://bucket/scores.csv").notes
    assert "no right to remove s3://bucket/scores.rejects.csv: if it is there, it is of an earlier run" in notes


@pytest.mark.parametrize(
    ("data", "out", "fault", "words"),
    [
        ("s3://absent/leads.csv", "s.csv", None, "there is no object|there is no bucket s3://absent"),
        ("s3://absent/*.csv", "s.csv", None, "there is no bucket s3://absent: create it, or correct the address"),
        ("s3://bucket/leads.csv", "s3://absent/s.csv", None, "there is no bucket s3://absent"),
        ("s3a://bucket/leads.csv", "s3://bucket/leads.csv", None, "--out .* is also the data"),
        ("s3://bucket/leads.csv", "s.csv", "denied", "access denied: it takes s3:GetObject and s3:ListBucket to read"),
        ("s3://bucket/*.csv", "s.csv", "denied", "access denied: it takes s3:GetObject and s3:ListBucket to read"),
    ],
)
def test_what_does_not_work_is_said_in_one_line_with_what_to_do(
    bucket: cloud.Cloud, model: LoadedModel, data: str, out: str, fault: str | None, words: str
) -> None:
    """Before anything is scored."""
    bucket.put("leads.csv", LINES)
    bucket.fault = lambda _method, _path: fault
    with pytest.raises(ScoringFileError, match=words) as failure:
        run(model, data, out)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no credentials .*: set AWS_ACCESS_KEY_ID"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "no answer, .* check AWS_ENDPOINT_URL and AWS_REGION"),
    ],
    ids=["credentials", "server"],
)
def test_missing_credentials_and_servers_are_said(
    bucket: cloud.Cloud, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], words: str
) -> None:
    """With the variables that name them."""
    assert bucket.get("absent") is None
    for name, value in changed.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    objects.store_of.cache_clear()
    with pytest.raises(ScoringFileError, match=words):
        objects.objects_of("s3://bucket/leads.csv")
    objects.store_of.cache_clear()
