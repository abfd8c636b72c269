"""Identifies files that are not XGBoost models in JSON or UBJ by their first bytes, with advice for the user."""

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from leadscoring.errors import ModelUnreadable, ModelUnsupported

HEAD = 4096
"""Number of bytes that are examined, enough for every format."""

SAVE = "save it again with booster.save_model('model.json')"
UNPACK = "unpack it and give the model inside"
CONVERTED = "only models of XGBoost are served; train one with `leadscoring train`, or with XGBoost itself"

CONFIGURATION = f"the file is the configuration of a booster (save_config), without its trees; {SAVE}"

OBJECTIVE_NAMES = (b"binary:", b"reg:", b"rank:", b"multi:", b"count:", b"survival:")
BOOSTER_NAMES = (b"gbtree", b"gblinear", b"dart")


class Format(NamedTuple):
    """A file format: how it is detected, its name, and advice for the user."""

    fits: Callable[[bytes], object]
    """Called with the first HEAD bytes."""
    what: str
    cure: str


def begins(*marks: bytes) -> Callable[[bytes], object]:
    """Detects a format by its first bytes."""
    return lambda head: head.startswith(marks)


def text_with(pattern: bytes) -> Callable[[bytes], object]:
    """Detects a text format by a regular expression."""
    return re.compile(pattern).search


def is_old_binary(head: bytes) -> object:
    """Detects XGBoost's binary format: numbers without a magic number, then the names of objective and booster."""
    named = any(name in head[:400] for name in OBJECTIVE_NAMES) and any(name in head[:400] for name in BOOSTER_NAMES)
    return head.startswith((b"binf", b"bs64\t")) or (named and b"\0\0\0" in head[:64] and head[:1] not in b"{[<\x80")


def is_onnx(head: bytes) -> object:
    """Detects a Protocol Buffers message that starts with a small version and names its producer or operators."""
    return head[:1] == b"\x08" and (b"\x12" in head[1:4]) and re.search(rb"onnx|TreeEnsemble|skl2|ai\.onnx", head)


def is_table(head: bytes) -> object:
    """Detects lines with the same, nonzero number of delimiters."""
    lines = head.splitlines()[:3]
    counts = [[line.count(mark) for mark in (b",", b";", b"\t")] for line in lines]
    return len(lines) > 1 and head[:1] not in b"{[<" and any(counts[0]) and counts[0] == counts[1] and b"\0" not in head


PICKLE = (
    "a pickle, which is never opened, because it can run any code",
    "load it in the program that wrote it and save the model there: model.save_model('model.json')",
)

FORMATS = (
    Format(lambda head: not head.strip(), "empty", "copy it again"),
    Format(is_old_binary, "XGBoost's old binary format",
           f"load it with the version of XGBoost that wrote it (any before 3.1 will do), and {SAVE}"),
    Format(lambda head: head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5", *PICKLE),
    Format(text_with(rb"\A\(?[ic](copy_reg|copyreg|xgboost|sklearn|__builtin__|builtins|numpy)[\w.]*\n"), *PICKLE),
    Format(begins(b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"ZF"), "data packed by zlib, as joblib writes pickles",
           PICKLE[1]),
    Format(begins(b"\x1f\x8b"), "packed by gzip (a tar archive perhaps, as SageMaker's model.tar.gz)", UNPACK),
    Format(text_with(rb"(?s)\APK\x03\x04.*(\[Content_Types\]\.xml|xl/)"), "an Excel workbook",
           "name the model file here, and leads as CSV where leads are asked for"),
    Format(begins(b"PK\x03\x04", b"PK\x05\x06"), "a zip archive", UNPACK),
    Format(begins(b"\x28\xb5\x2f\xfd"), "packed by zstd", UNPACK),
    Format(begins(b"BZh", b"\xfd7zXZ", b"\x04\x22\x4d\x18", b"7z\xbc\xaf"), "a packed file", UNPACK),
    Format(lambda head: head[257:262] == b"ustar", "a tar archive", UNPACK),
    Format(begins(b"\xd0\xcf\x11\xe0"), "an old Office file",
           "name the model file here, and leads as CSV where leads are asked for"),
    Format(begins(b"CBM1"), "a CatBoost model", CONVERTED),
    Format(text_with(rb"\A(?:\xef\xbb\xbf)?tree\r?\nversion=v\d"), "a LightGBM model", CONVERTED),
    Format(text_with(rb"\A(?:\xef\xbb\xbf)?booster\[\d+\]:?\r?\n"), "a dump of trees as text",
           f"instead of dump_model, {SAVE}"),
    Format(is_onnx, "an ONNX model", CONVERTED),
    Format(text_with(rb"<PMML"), "a PMML model", CONVERTED),
    Format(text_with(rb"\A\s*<(!DOCTYPE\s+html|html|HTML)"), "a web page, an error page of a download perhaps",
           "download the file again, signed in"),
    Format(text_with(rb"\A\s*<\?xml"), "an XML file", CONVERTED),
    Format(begins(b"version https://git-lfs"), "a pointer of Git LFS, not the file itself", "run git lfs pull"),
    Format(begins(b"\x89HDF"), "an HDF5 file, as Keras writes models", CONVERTED),
    Format(begins(b"PAR1"), "a Parquet file", "name the model file first, then the leads"),
    Format(begins(b"\x93NUMPY"), "a NumPy array", CONVERTED),
    Format(begins(b"\xff\xfe", b"\xfe\xff"), "text in UTF-16", "save it as UTF-8, or copy the original again"),
    Format(begins(b"\xef\xbb\xbf"), "text with a byte order mark before it", "save it as UTF-8 without one"),
    Format(text_with(rb"(?m)^(flavors|artifact_path):"), "the description of an MLflow model",
           "name the model file beside it, such as model.json or model.ubj"),
    Format(is_table, "a table such as CSV", "name the model file first, then the leads"),
)  # fmt: skip
"""In the order in which they are tried."""

UNSOUND = ("empty", "text in UTF-16", "text with a byte order mark before it")
"""Formats that may be a damaged XGBoost model."""


class Keys(msgspec.Struct):
    """The keys of a JSON document that identify its format."""

    learner: msgspec.Raw = msgspec.Raw()
    tree_info: msgspec.Raw = msgspec.Raw()
    feature_infos: msgspec.Raw = msgspec.Raw()
    oblivious_trees: msgspec.Raw = msgspec.Raw()
    model_info: msgspec.Raw = msgspec.Raw()
    nodeid: msgspec.Raw = msgspec.Raw()


class LearnerKeys(msgspec.Struct):
    """The keys that distinguish a booster's configuration from a model."""

    generic_param: msgspec.Raw = msgspec.Raw()
    learner_train_param: msgspec.Raw = msgspec.Raw()


def refuse_foreign(data: bytes) -> None:
    """Raises ModelUnsupported for a known format other than JSON and UBJ, ModelUnreadable for an unknown one."""
    if data[:1] == b"{":
        return
    head = data[:HEAD]
    for form in FORMATS:
        if form.fits(head):
            kind = ModelUnreadable if form.what in UNSOUND else ModelUnsupported
            raise kind(f"the file is {form.what}; {form.cure}")
    start = data.lstrip()[:1]
    if start == b"[":
        refuse_dump(data)
    if start != b"{":
        raise ModelUnreadable(f"not an XGBoost model: JSON or UBJ starts with '{{', not with {data[:8]!r}")


def refuse_dump(data: bytes) -> None:
    """Raises ModelUnsupported for trees written by ``get_dump`` or ``dump_model``."""
    if b'"nodeid"' in data[:HEAD]:
        raise ModelUnsupported(
            f"the file is a dump of trees, without what a score needs; instead of dump_model, {SAVE}"
        )


def name_json(data: bytes) -> str:
    """Identifies a JSON object that is not an XGBoost model, with advice; empty if it is unknown."""
    try:
        keys = msgspec.json.decode(data, type=Keys)
        if keys.learner:
            inner = msgspec.json.decode(keys.learner, type=LearnerKeys)
            if inner.generic_param or inner.learner_train_param:
                return CONFIGURATION
    except msgspec.MsgspecError:
        return ""
    if keys.tree_info and keys.feature_infos:
        return f"the file is a LightGBM model; {CONVERTED}"
    if keys.oblivious_trees or keys.model_info:
        return f"the file is a CatBoost model; {CONVERTED}"
    if keys.nodeid:
        return f"the file is a dump of one tree; instead of dump_model, {SAVE}"
    return ""
