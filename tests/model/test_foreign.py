"""A file that is another thing than a model in JSON or UBJ is called what it is, with the way out."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model.file import open_model

X = np.random.default_rng(0).normal(size=(60, 3))
BOOSTER = xgb.train({"objective": "binary:logistic", "nthread": 1}, xgb.DMatrix(X, X[:, 0] > 0), 3)
MODEL = bytes(BOOSTER.save_raw("json"))


def packed(name: str) -> bytes:
    """A zip archive with one file of this name."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr(name, MODEL)
    return into.getvalue()


def tar() -> bytes:
    """A tar archive with the model."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        about = tarfile.TarInfo("model.json")
        about.size = len(MODEL)
        archive.addfile(about, io.BytesIO(MODEL))
    return into.getvalue()


LEGACY = b"\0\0\0\x3f\5" + bytes(131) + b"\x0f" + bytes(7) + b"binary:logistic\6" + bytes(7) + b"gbtree<\0\0\0"

SUPPORTED: list[tuple[str, bytes, str, str]] = [
    ("old", b"binf" + LEGACY, "old binary format", "save_model"),
    ("old, bare", LEGACY, "old binary format", "any before 3.1"),
    ("pickle", pickle.dumps(BOOSTER), "a pickle, which is never opened", "save_model"),
    ("old pickle", pickle.dumps(BOOSTER, 0), "a pickle", "save_model"),
    ("joblib", zlib.compress(pickle.dumps(BOOSTER)), "joblib", "save_model"),
    ("gzip", gzip.compress(MODEL), "gzip", "unpack"),
    ("zip", packed("model.json"), "a zip archive", "unpack"),
    ("tar", tar(), "a tar archive", "unpack"),
    ("bzip2", bz2.compress(MODEL), "a packed file", "unpack"),
    ("xz", lzma.compress(MODEL), "a packed file", "unpack"),
    ("zstd", b"\x28\xb5\x2f\xfd\x04\0", "zstd", "unpack"),
    ("excel", packed("xl/workbook.xml"), "an Excel workbook", "as CSV"),
    ("old excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file", "as CSV"),
    ("catboost", b"CBM1\x10\0\0\0", "a CatBoost model", "only models of XGBoost"),
    ("catboost json", b'{"oblivious_trees":[],"model_info":{}}', "a CatBoost model", "only models of XGBoost"),
    ("lightgbm", b"tree\nversion=v4\nnum_class=1\n", "a LightGBM model", "only models of XGBoost"),
    (
        "lightgbm json",
        b'{"name":"tree","tree_info":[],"feature_infos":{}}',
        "a LightGBM model",
        "only models of XGBoost",
    ),
    ("onnx", b"\x08\x07\x12\x0aonnxmltools\x1a", "an ONNX model", "only models of XGBoost"),
    ("pmml", b'<?xml version="1.0"?>\n<PMML version="4.4">', "a PMML model", "only models of XGBoost"),
    ("page", b"\n<!DOCTYPE html><html>Sign in", "a web page", "signed in"),
    ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS", "git lfs pull"),
    ("keras", b"\x89HDF\r\n\x1a\n", "an HDF5 file", "only models of XGBoost"),
    ("parquet", b"PAR1\x15\x04", "a Parquet file", "then the leads"),
    ("csv", b"name,visits\nAnna,3\nBen,4\n", "a table", "then the leads"),
    ("mlflow", b"artifact_path: model\nflavors:\n  xgboost:\n", "MLflow", "model.ubj"),
    ("config", BOOSTER.save_config().encode(), "the configuration of a booster", "save_model"),
    (
        "dump",
        json.dumps([json.loads(tree) for tree in BOOSTER.get_dump(dump_format="json")]).encode(),
        "a dump",
        "save_model",
    ),
    ("text dump", ("booster[0]:\n" + BOOSTER.get_dump()[0]).encode(), "a dump of trees as text", "save_model"),
]

DAMAGED: list[tuple[str, bytes, str, str]] = [
    ("nothing", b"", "empty", "copy it again"),
    ("blanks", b" \n ", "empty", "copy it again"),
    ("utf-16", MODEL.decode().encode("utf-16"), "UTF-16", "UTF-8"),
    ("mark", b"\xef\xbb\xbf" + MODEL, "byte order mark", "UTF-8"),
    ("cut", MODEL[: len(MODEL) // 2], "ends in the middle, after", "copy it again"),
    ("noise", bytes(range(200, 256)), "JSON or UBJ starts with", "not with"),
]


@pytest.mark.parametrize(("content", "what", "cure"), [row[1:] for row in SUPPORTED], ids=[row[0] for row in SUPPORTED])
def test_another_format_is_named_with_the_way_out(content: bytes, what: str, cure: str, tmp_path: Path) -> None:
    """Whatever the file is called."""
    refusal(ModelUnsupported, content, what, cure, tmp_path)


@pytest.mark.parametrize(("content", "what", "cure"), [row[1:] for row in DAMAGED], ids=[row[0] for row in DAMAGED])
def test_a_damaged_file_is_told_from_another_format(content: bytes, what: str, cure: str, tmp_path: Path) -> None:
    """It may be a model all the same, so it is unreadable, not unsupported."""
    refusal(ModelUnreadable, content, what, cure, tmp_path)


def refusal(kind: type[Any], content: bytes, what: str, cure: str, folder: Path) -> None:
    """Checks the kind of refusal, and that it is one sentence with both parts."""
    (folder / "model.json").write_bytes(content)
    with pytest.raises(kind) as refused:
        open_model(folder / "model.json")
    said = str(refused.value)
    assert type(refused.value) is kind
    assert what in said
    assert cure in said
    assert "\n" not in said


def test_a_model_without_trees_is_no_model(tmp_path: Path) -> None:
    """XGBoost itself scores it otherwise from version to version."""
    xgb.train({"objective": "binary:logistic", "nthread": 1}, xgb.DMatrix(X, X[:, 0] > 0), 0).save_model(
        tmp_path / "m.json"
    )
    with pytest.raises(ModelUnsupported, match="has no trees"):
        open_model(tmp_path / "m.json")
