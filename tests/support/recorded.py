"""Requests of every route, by every way that it can end, and what an answer looks like without what differs each time."""

import json
from typing import Any, NamedTuple

import httpx
from factories import LEAD, lead
from timed import AS_OF, FEATURES, timed_lead

TENSOR = {"name": "rows", "datatype": "FP64", "shape": [1, 7], "data": [1e6, 3, 0.35, 1, 1, 1, 0.4]}
INFER = {"id": "mine", "inputs": [TENSOR]}
ALL_OUTPUTS = [{"name": name} for name in ("probability", "margin", "tier", "reasons", "warnings")]
MODEL = "/v2/models/small"
VERSION = f"{MODEL}/versions/1.2.3"
CSV = {"Content-Type": "text/csv"}
LEAD_PATH = "/api/v1/leads/lead-1"
GET_PATHS = (
    "/", "/health", "/health/live", "/health/ready", "/status", "/resources", "/metrics", "/docs", "/openapi.json",
    "/openapi.json?bodies=json", "/openapi.json?bodies=xml", "/openapi.json?x=1",
    *(f"/api/v1/model/{name}" for name in ("info", "features", "importance", "drift", "quality", "info?x=1")),
    "/ping", "/execution-parameters",
    "/v2", "/v2/health/live", "/v2/health/ready", MODEL, f"{MODEL}/ready", VERSION, f"{VERSION}/ready",
    "/v2/models/other", "/v2/models/other/ready", f"{MODEL}/versions/9", f"{MODEL}/versions/9/ready",
    LEAD_PATH, "/nothing", "/api/v1/score", f"{MODEL}/infer", "/health/", "/healthz", "/model/info",
)  # fmt: skip
HEADERS = ("content-type", "content-encoding", "vary", "allow", "www-authenticate", "retry-after", "content-security-policy",
           "x-content-type-options", "cache-control", "inference-header-content-length", "connection")  # fmt: skip
"""What of an answer's head is recorded: whether it is there, and of the first its value."""


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What it is recorded by."""
        kind = "".join(f" {value}" for value in self.headers.values())
        return f"{self.method} {self.path}{kind}" + (f" {json.dumps(self.body)[:90]}" if self.body is not None else "")

    def send(self, client: httpx.Client) -> httpx.Response:
        """Sends it: text as it is, anything else as JSON."""
        sent: dict[str, Any] = {"content": self.body} if isinstance(self.body, str) else {"json": self.body}
        return client.request(self.method, self.path, headers=self.headers, **(sent if self.body is not None else {}))


POSTS = (
    Asked("POST", "/api/v1/score", LEAD),
    Asked("POST", "/api/v1/score?reasons=1&include_details=true", LEAD),
    Asked("POST", "/api/v1/score", lead(revenue=-1)),
    Asked("POST", "/api/v1/score", lead(source="never seen")),
    Asked("POST", "/api/v1/score?reasons=x", LEAD),
    Asked("POST", "/api/v1/score", "{", {"Content-Type": "application/json"}),
    Asked("POST", "/api/v1/score", "a", {"Content-Type": "text/plain"}),
    Asked("POST", "/api/v1/score/batch", [LEAD, lead(revenue=-1), 1]),
    Asked("POST", "/api/v1/score/batch", json.dumps(LEAD) + "\n", {"Content-Type": "application/x-ndjson"}),
    Asked("POST", "/invocations", LEAD),
    Asked("POST", "/invocations", [LEAD, lead(revenue=-1)]),
    Asked("POST", "/invocations", [TENSOR["data"]]),
    Asked("POST", "/invocations", "1e6,3,0.35,1,1,1,0.4\n", CSV),
    Asked("POST", "/invocations", "1,2\n", CSV),
    Asked("POST", "/invocations", json.dumps(LEAD), {"Content-Type": "application/jsonlines"}),
    Asked("POST", "/invocations", LEAD, {"Accept": "image/png"}),
    Asked("POST", f"{MODEL}/infer", INFER),
    Asked("POST", f"{VERSION}/infer", INFER | {"outputs": ALL_OUTPUTS}),
    Asked("POST", f"{MODEL}/infer", {"inputs": [TENSOR], "parameters": {"binary_data_output": True}}),
    Asked("POST", f"{MODEL}/infer", {"inputs": [TENSOR | {"shape": [2, 7]}]}),
    Asked("POST", "/v2/models/other/infer", INFER),
    Asked("POST", "/health", {}),
    Asked("PUT", "/api/v1/score", {}),
    Asked("POST", "/api/v1/outcomes", {"lead_id": "lead-1", "outcome": "won", "at": "2026-02-01T10:00:00Z"}),
    Asked("POST", "/api/v1/outcomes", [{"lead_id": "lead-1"}]),
    Asked("PUT", f"{LEAD_PATH}/objection"),
    Asked("DELETE", f"{LEAD_PATH}/objection"),
    Asked("DELETE", LEAD_PATH),
    Asked("OPTIONS", "/api/v1/score", None, {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}),
)
REQUESTS = (
    *(Asked("GET", path) for path in GET_PATHS),
    *(Asked("HEAD", path) for path in ("/health", "/docs", "/metrics", "/ping")),
    *POSTS,
)
TIMED_MODEL = "/v2/models/timed"
TIMED_INFER = {
    "parameters": {"as_of": AS_OF, "reasons": 9},
    "inputs": [
        {"name": name, "datatype": "FP64" if name == "amount" else "BYTES", "shape": [1],
         "data": [";".join(value) if isinstance(value, list) else value]}
        for name, value in FEATURES.items()
    ],
}  # fmt: skip
TIMED_REQUESTS = (
    *(Asked("GET", path) for path in ("/api/v1/model/info", "/api/v1/model/features", TIMED_MODEL)),
    Asked("POST", "/api/v1/score?reasons=9&include_details=true", timed_lead()),
    Asked("POST", "/api/v1/score?reasons=9", timed_lead(as_of=..., created="2999-01-01", due=None, email="nobody")),
    Asked("POST", "/api/v1/score", timed_lead(as_of="soon", created="2026-02-30", interests=[1])),
    Asked("POST", "/api/v1/score/batch?reasons=9", [timed_lead(), timed_lead(as_of=5)]),
    Asked("POST", "/api/v1/score/batch", json.dumps(timed_lead()) + "\n", {"Content-Type": "application/x-ndjson"}),
    Asked(
        "POST", "/api/v1/score/batch", "lead_id,as_of,created\na,2026-03-01,2026-02-01\n", CSV | {"Accept": "text/csv"}
    ),
    Asked("POST", "/invocations", timed_lead()),
    Asked("POST", f"{TIMED_MODEL}/infer", TIMED_INFER),
    Asked("POST", f"{TIMED_MODEL}/infer", TIMED_INFER | {"parameters": {"as_of": "soon"}}),
)
"""Requests of a model whose leads have dates, texts, e-mail addresses and sets."""

CALLERS: dict[str, dict[str, str]] = {
    "with its key": {},
    "without a key": {"X-API-Key": ""},
    "with another": {"X-API-Key": "nobody's"},
}


def outlined(answer: httpx.Response) -> dict[str, Any]:
    """An answer's status, headers and the outline of its body: keys in their order, and of values what they are."""
    kind = answer.headers.get("content-type", "")
    headers = [name for name in HEADERS[1:] if name in answer.headers]
    described = answer.request.url.path == "/openapi.json" and answer.status_code == 200
    body = outline(answer.json()) if "json" in kind and answer.content and not described else None
    return {"status": answer.status_code, "type": kind, "headers": headers, "body": body}


def outline(value: Any) -> Any:
    """A JSON value with the type of each leaf in its place; of a list the outline of each kind of entry, once."""
    if isinstance(value, dict):
        return {key: outline(inner) for key, inner in value.items()}
    if isinstance(value, list):
        found = {json.dumps(shown): shown for shown in map(outline, value)}
        return list(found.values())
    return "null" if value is None else type(value).__name__
