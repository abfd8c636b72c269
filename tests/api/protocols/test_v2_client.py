"""A real client of the Open Inference Protocol against a real server of ours."""

from collections.abc import Iterator
from typing import Any

import factories
import numpy as np
import pytest
import tritonclient.http as triton
from serving import KEY, Server, serving

pytestmark = pytest.mark.integration

ROWS: list[list[float | None]] = [
    [1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4],
    [0.0, None, None, 0.0, None, 0.0, None],
    [5e5, 9.0, -2.5, 1.0, 3.0, 0.0, 1.0],
]
MATRIX = np.array([[np.nan if value is None else value for value in row] for row in ROWS])


def keyed() -> dict[str, str]:
    """The headers of one call; new each time, since the client writes its own into them."""
    return {"X-API-Key": KEY}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that speaks the protocol."""
    folder = tmp_path_factory.mktemp("v2")
    with serving(folder, factories.model_file(folder), ENDPOINT_PROTOCOLS="v2") as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """The client that NVIDIA keeps for Triton."""
    opened = triton.InferenceServerClient(f"127.0.0.1:{server.port}", network_timeout=60)
    yield opened
    opened.close()


def tensor(name: str, values: Any, datatype: str, binary: bool) -> Any:
    """One tensor to send."""
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def test_the_client_sees_that_all_is_ready(client: Any) -> None:
    """Health is told without a key."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("small")
    assert client.is_model_ready("small", "1.2.3")
    assert not client.is_model_ready("another")


def test_the_client_reads_what_the_model_takes(client: Any) -> None:
    """Every feature is an input by its name."""
    about = client.get_model_metadata("small", headers=keyed())
    assert (about["name"], about["versions"]) == ("small", ["1.2.3"])
    assert [given["name"] for given in about["inputs"]] == factories.SMALL.names
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]


@pytest.mark.parametrize("sent_binary", [True, False])
@pytest.mark.parametrize("asked_binary", [True, False])
@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
def test_encoded_rows_get_the_margins_of_stock_xgboost(
    client: Any, sent_binary: bool, asked_binary: bool, datatype: str
) -> None:
    """As JSON and as bytes, there and back; JSON has no NaN, so rows with missing values go as bytes."""
    rows = MATRIX if sent_binary else MATRIX[[0, 2]]
    values = rows.astype(np.float64 if datatype == "FP64" else np.float32)
    wanted = [triton.InferRequestedOutput(name, binary_data=asked_binary) for name in ("margin", "probability")]
    answer = client.infer("small", [tensor("rows", values, datatype, sent_binary)], outputs=wanted, headers=keyed())
    expected = factories.stock_margins([[None if np.isnan(v) else float(v) for v in row] for row in rows])
    assert answer.as_numpy("margin") == pytest.approx(expected, abs=1e-6)
    calibration = factories.card().calibration
    scores = np.interp(expected, calibration.margins, calibration.probabilities)
    assert answer.as_numpy("probability") == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("binary", [True, False])
def test_features_by_name_get_the_score_of_the_api(server: Server, client: Any, binary: bool) -> None:
    """A lead in tensors scores as the same lead in JSON, and has the same reasons."""
    features = factories.LEAD["features"]
    sent = []
    for feature in factories.SMALL.features:
        value = features[feature.name]
        if feature.kind == "category":
            sent.append(tensor(feature.name, np.array([value.encode()], object), "BYTES", binary))
        elif feature.kind == "flag":
            sent.append(tensor(feature.name, np.array([value]), "BOOL", binary))
        elif feature.kind == "integer":
            sent.append(tensor(feature.name, np.array([value], np.int64), "INT64", binary))
        else:
            sent.append(tensor(feature.name, np.array([value], np.float64), "FP64", binary))
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("probability", "tier")]
    answer = client.infer("small", sent, outputs=wanted, headers=keyed())
    told = server.http.post("/api/v1/score", json=factories.LEAD).json()["score"]
    assert answer.as_numpy("probability")[0] == pytest.approx(told["raw_score"], abs=1e-9)
    assert as_text(answer.as_numpy("tier")[0]) == told["tier"]


def as_text(value: bytes | str) -> str:
    """A text as the client gives it: bytes from binary tensors, else a string."""
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize(
    ("name", "values", "headers", "said"),
    [
        ("another", MATRIX, keyed(), "another"),
        ("small", MATRIX[:, :3], keyed(), "7"),
        ("small", MATRIX, {}, "X-API-Key"),
    ],
)
def test_the_client_raises_what_we_say(client: Any, name: str, values: Any, headers: dict[str, str], said: str) -> None:
    """Refusals have the form that the client reads."""
    with pytest.raises(triton.InferenceServerException, match=said):
        client.infer(name, [tensor("rows", values, "FP64", True)], headers=headers)
