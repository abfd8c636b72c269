"""The models behind the doubled endpoints: stock XGBoost in what the two clouds put around it."""

import csv
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xgboost as xgb

Gives = Literal["probability", "margin"]


class ContainerError(Exception):
    """A container has answered a call with something other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Stock:
    """The model of a file as stock XGBoost scores it, without names or kinds of columns, as the clouds do."""

    path: Path
    gives: Gives = "probability"
    booster: xgb.Booster = field(init=False)

    def __post_init__(self) -> None:
        self.booster = xgb.Booster({"nthread": 1}, model_file=str(self.path))

    def scores(self, rows: Any) -> list[float]:
        """A number for each row of encoded values, in order; fails as XGBoost does where the shape is wrong."""
        data = xgb.DMatrix(np.asarray(rows, np.float32).reshape(len(rows), -1))
        if data.num_col() != self.booster.num_features():
            raise ContainerError(400, f"{self.booster.num_features()} columns are needed, not {data.num_col()}")
        margins = self.gives == "margin"
        return [float(score) for score in self.booster.predict(data, output_margin=margins, validate_features=False)]


def csv_rows(content_type: str, body: bytes) -> list[list[float]]:
    """What SageMaker's XGBoost container reads: it takes the delimiter that the first line suggests."""
    if content_type.partition(";")[0].strip().lower() != "text/csv":
        raise ContainerError(415, f"Content-type {content_type} not supported. Supported content-type is text/csv")
    lines = body.strip().decode().split("\n")
    try:
        suggested = csv.Sniffer().sniff(lines[0][:512]).delimiter
        delimiter = "," if suggested.isalnum() else suggested
        rows = [[math.nan if cell == "" else float(cell) for cell in line.split(delimiter)] for line in lines]
    except (csv.Error, ValueError) as wrong:
        raise ContainerError(415, f"Loading csv data failed with Exception: {wrong}") from wrong
    if len({len(row) for row in rows}) != 1:
        raise ContainerError(415, "Loading csv data failed with Exception: the rows are not of one length")
    return rows


def script_rows(content_type: str, body: bytes) -> list[list[float]]:
    """What containers that take JSON read: ``data``, ``instances``, or ``input_data`` with columns, of numbers and null."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ContainerError(415, f"Content-Type must be application/json, not {content_type!r}")
    try:
        asked = json.loads(body)
        rows = asked.get("data") or asked.get("instances") or asked["input_data"]["data"]
        return [[math.nan if cell is None else float(cell) for cell in row] for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise ContainerError(500, f"{type(wrong).__name__}: {wrong}") from wrong
