"""Clients that common generators make of the OpenAPI document have every call, and work against the live service."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from factories import LEAD, model_file
from programs import missing
from project import ROOT
from serving import KEY, Server, serving
from timed import timed_lead, timed_model

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MAKERS = ROOT / "build" / "clients"
USES = ROOT / "tests" / "clients"
SHIPPED = ROOT / "models" / "model.json"
MODELS: dict[str, Callable[[Path], Path]] = {"small": model_file, "timed": timed_model}
PROTOCOLS = {"ENDPOINT_PROTOCOLS": "sagemaker,v2"}
OTHER_BODIES = re.compile(r"Unsupported content type (\S+)")


@pytest.fixture(scope="module", autouse=True)
def makers() -> None:
    """The programs that make clients; without them a test is skipped, and in CI it fails."""
    if (MAKERS / "venv/bin/openapi-python-client").exists() and (MAKERS / "npm/node_modules/.bin/tsc").exists():
        return
    missing("openapi-python-client, openapi-typescript and @hey-api/openapi-ts are not there: make clients")


@pytest.fixture(scope="module", params=["small", "shipped", "timed"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of the shipped model, or of one with every kind of number, or with dates and texts; it has all routes."""
    folder = tmp_path_factory.mktemp("clients")
    model = SHIPPED if request.param == "shipped" else MODELS[request.param](folder)
    with serving(folder, model, **PROTOCOLS) as running:
        running.http.headers["X-Model"] = request.param
        yield running


@pytest.fixture(scope="module")
def lead(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a lead that the service takes."""
    file = tmp_path_factory.mktemp("lead") / "lead.json"
    sample = json.loads((ROOT / "docs/examples/sample_request_1.json").read_bytes())
    leads = {"shipped": sample, "small": LEAD, "timed": timed_lead()}
    file.write_text(json.dumps(leads[server.http.headers["X-Model"]]))
    return file


def document(server: Server, folder: Path, query: str = "") -> Path:
    """The OpenAPI document of a service, in a file."""
    file = folder / "openapi.json"
    file.write_bytes(server.http.get(f"/openapi.json{query}").raise_for_status().content)
    return file


def run(folder: Path, *command: str, **environ: str) -> str:
    """What a program prints, on either of its outputs; it must succeed."""
    with_makers = f"{MAKERS / 'venv/bin'}:{MAKERS / 'npm/node_modules/.bin'}:{os.environ['PATH']}"
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    ran = subprocess.run(
        command, cwd=folder, env=ours | {"PATH": with_makers, "NO_COLOR": "1"} | environ,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def operations(file: Path) -> dict[str, tuple[str, str]]:
    """Method and path of every operation of a document, by its name."""
    paths = json.loads(file.read_bytes())["paths"]
    return {made["operationId"]: (method, path) for path, methods in paths.items() for method, made in methods.items()}


def snake(name: str) -> str:
    """A name as Python modules have it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def used_well(said: dict[str, Any], lead: Path, server: Server) -> None:
    """Holds what a client has read against what the service answers without one."""
    sent = json.loads(lead.read_bytes())
    plain = server.http.post("/api/v1/score?reasons=2&include_details=true", json=sent).json()
    assert said["one"]["score"] == plain["score"]
    assert said["one"]["reasons"] == plain["reasons"]
    assert said["one"]["explanation"] == plain["explanation"]
    assert said["batch"][0]["score"]["raw_score"] == plain["score"]["raw_score"]
    assert said["batch"][1]["lead_id"] == "wrong"
    assert said["batch"][1]["error"]["code"] == "invalid_lead"
    assert (said["refused"]["status"], said["refused"]["code"]) == (422, "invalid_lead")
    assert said["refused"]["errors"]
    assert said["model"]["name"] == plain["model"]["name"]


def test_openapi_python_client_makes_every_call_without_a_warning(server: Server, lead: Path, tmp_path: Path) -> None:
    """And its calls and models work: one lead, a batch with a refused lead, a problem, the model."""
    file = document(server, tmp_path, "?bodies=json")
    printed = run(tmp_path, "openapi-python-client", "generate", "--path", str(file), "--output-path", "made")
    assert "warning" not in printed.lower()
    assert "Unable" not in printed
    modules = {module.stem for module in (tmp_path / "made").glob("*/api/*/*.py")}
    assert modules - {"__init__"} == {snake(name) for name in operations(file)}
    python = str(MAKERS / "venv/bin/python")
    script = str(USES / "use_python.py")
    used_well(
        json.loads(run(tmp_path, python, script, server.url, KEY, str(lead), PYTHONPATH=str(tmp_path / "made"))),
        lead,
        server,
    )


def test_of_the_whole_document_openapi_python_client_leaves_out_bodies_but_no_call(
    server: Server, tmp_path: Path
) -> None:
    """It knows bodies of JSON alone, says so of the others, and makes each call with its JSON all the same."""
    file = document(server, tmp_path)
    printed = run(tmp_path, "openapi-python-client", "generate", "--path", str(file), "--output-path", "made")
    warned = [line for line in printed.splitlines() if "WARNING" in line]
    others = json.loads(file.read_bytes())["paths"]
    bodies = [
        kind
        for methods in others.values()
        for made in methods.values()
        for kind in made.get("requestBody", {}).get("content", ())
        if kind not in ("application/json", "application/octet-stream")
    ]
    assert len(warned) == len(OTHER_BODIES.findall(printed)) == len(bodies)
    assert "will not be generated" not in printed
    assert "Unable" not in printed
    modules = {module.stem for module in (tmp_path / "made").glob("*/api/*/*.py")}
    assert modules - {"__init__"} == {snake(name) for name in operations(file)}


def typescript(folder: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Checks a script strictly, with what was made beside it, and runs it."""
    (folder / "node_modules").symlink_to(MAKERS / "npm" / "node_modules")
    (folder / script).write_text((USES / script).read_text("utf-8"))
    (folder / "package.json").write_text('{"type": "commonjs"}')
    checks = ("--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "node16", "--skipLibCheck")
    run(folder, "tsc", *checks, "--lib", "es2022,dom,dom.iterable", "--outDir", "out", script)
    return dict(json.loads(run(folder, "node", str(Path("out") / script.replace(".ts", ".js")), *arguments)))


@pytest.mark.parametrize("query", ["", "?bodies=json"])
def test_openapi_typescript_makes_types_of_every_call(server: Server, lead: Path, tmp_path: Path, query: str) -> None:
    """Which check in TypeScript's strictest mode, with the client that goes with it; it says of nothing that it is left out."""
    file = document(server, tmp_path, query)
    printed = run(tmp_path, "openapi-typescript", str(file), "--output", "openapi-typescript.ts")
    assert not re.search(r"warn|error|⚠|✘", printed, re.IGNORECASE), printed
    made = (tmp_path / "openapi-typescript.ts").read_text("utf-8")
    assert not [name for name in operations(file) if not re.search(rf"^    {name}: \{{", made, re.MULTILINE)]
    if query:
        used_well(typescript(tmp_path, "use_openapi_fetch.ts", server.url, KEY, str(lead)), lead, server)
    else:
        assert '"text/csv": string' in made


@pytest.mark.parametrize("query", ["", "?bodies=json"])
def test_hey_api_makes_every_call(server: Server, lead: Path, tmp_path: Path, query: str) -> None:
    """With types that check in TypeScript's strictest mode."""
    file = document(server, tmp_path, query)
    printed = run(
        tmp_path, "openapi-ts", "--input", str(file), "--output", "hey-api",
        "--plugins", "@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk", "--no-log-file",
    )  # fmt: skip
    assert not re.search(r"warn|error|⚠|✘", printed, re.IGNORECASE), printed
    made = (tmp_path / "hey-api" / "sdk.gen.ts").read_text("utf-8")
    assert not [name for name in operations(file) if f"export const {name} = " not in made]
    used_well(typescript(tmp_path, "use_hey_api.ts", server.url, KEY, str(lead)), lead, server)
