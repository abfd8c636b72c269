"""Rows that a caller has encoded are admitted, paid for and counted as leads are."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import LEAD, card, model_file
from serving import Server, serving

pytestmark = pytest.mark.integration
ROWS: list[list[float | None]] = [list(golden.row) for golden in card().golden]
CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/jsonlines"}


def csv(rows: list[list[float | None]]) -> bytes:
    """Rows as the built-in container takes them."""
    return "".join(",".join("" if value is None else repr(value) for value in row) + "\n" for row in rows).encode()


def invoke(server: Server, body: bytes | Any, headers: dict[str, str]) -> httpx.Response:
    """One invocation."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return server.http.post("/invocations", content=content, headers=headers)


def test_invocations_are_counted_as_leads_of_the_one_caller_that_sagemaker_is(tmp_path: Path) -> None:
    """Predictions by tier, requests by route, the log line with the caller's name, and the rate limit."""
    with serving(tmp_path, model_file(tmp_path), ENDPOINT_PROTOCOLS="sagemaker", RATE_LIMIT_PER_MINUTE="4") as server:
        answer = invoke(server, csv(ROWS), CSV)
        assert answer.headers["ratelimit-remaining"] == "2"
        assert invoke(server, [LEAD, LEAD], JSON).status_code == 200
        assert invoke(server, csv(ROWS), CSV).status_code == 429
        text = server.http.get("/metrics").text
        assert 'http_requests_total{endpoint="/invocations",method="POST",status="200"} 2.0' in text
        counted = [line for line in text.splitlines() if line.startswith("model_predictions_total")]
        assert sum(float(line.split()[-1]) for line in counted) == 4
        server.stop()
        lines = [json.loads(line) for line in server.logged().splitlines()]
        assert {line["key"] for line in lines if line.get("path") == "/invocations"} == {"sagemaker"}
        assert any(line["event"] == "scoring without a key" for line in lines)


REFUSED = [
    (b"[1" + b",1" * 2000 + b"]\n", LINES),
    (b"{\n", LINES),
    (b"1\n" * 2000, LINES),
    (b"1\n" * 2000, CSV),
    (b"x\n", CSV),
    (b"[[1]," * 2000 + b"[1]]", JSON),
    (b"[" + b"[1]," * 2000 + b"[1]]", JSON),
    (b'{"instances": [[1]], "more": 1}', JSON),
    (b"[5]", JSON),
    (b"{}", JSON),
]


def test_every_body_that_is_refused_is_paid_for(tmp_path: Path) -> None:
    """To look through it is work, whatever it was meant as."""
    limits = {"MAX_BATCH_SIZE": "100", "RATE_LIMIT_PER_MINUTE": str(len(REFUSED))}
    with serving(tmp_path, model_file(tmp_path), ENDPOINT_PROTOCOLS="sagemaker", **limits) as server:
        server.http.headers.pop("X-API-Key")
        for sent, headers in REFUSED:
            answer = invoke(server, sent, headers)
            assert answer.status_code in (200, 400, 422), answer.text  # a batch of no lead is answered
        assert invoke(server, b"x\n", CSV).status_code == 429
