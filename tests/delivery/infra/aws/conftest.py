"""Templates of each environment, and a simulated cloud that they are deployed into."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import msgspec
import pytest
from infra.aws.account import Account
from infra.aws.app import synthesize
from infra.environments import Environment, read_environment

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f1e"
ACCOUNT = Account(image_tag="1.0.0", certificate_arn=CERTIFICATE, model_data_key="lead-scoring/1.0.0/model.tar.gz")

Template = dict[str, Any]
Synthesis = dict[str, Template]
"""Templates by the name of their stack."""


def templates_of(name: str, environment: Environment, account: Account, out: Path) -> Synthesis:
    """The templates as they would be deployed."""
    paths = synthesize(name, environment, account, out)
    return {path.name.removesuffix(".template.json"): json.loads(path.read_bytes()) for path in paths}


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Synthesis]:
    """Synthesizes an environment of the file, for an account; the same question gets the same answer."""
    made: dict[tuple[str, bytes], Synthesis] = {}

    def synthesis(name: str, account: Account = ACCOUNT, environment: Environment | None = None) -> Synthesis:
        sizes = environment or read_environment(name)
        key = (name, msgspec.json.encode((sizes, account), order="deterministic"))
        if key not in made:
            made[key] = templates_of(name, sizes, account, tmp_path_factory.mktemp(name))
        return made[key]

    return synthesis


@pytest.fixture(params=["dev", "prod"])
def name(request: pytest.FixtureRequest) -> str:
    """Each environment of the operations guide."""
    return str(request.param)


UNDERSTOOD = r"""
case "$*" in
    "cloudformation deploy"*)
        sed -i -E 's|[{]"Fn::GetAtt":[[]"[A-Za-z0-9]+","TargetGroupFullName"[]][}]|"targetgroup/replicas/0"|g' \
            build/aws/*/*.template.json ;;
esac
"""
"""The simulated cloud fails at this one attribute of a target group, which only alarms, scaling and the dashboard read."""


class Cloud(NamedTuple):
    """A cloud at an address of this machine."""

    url: str
    cli: Path
    """The AWS CLI's second version."""

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )

    def environ(self, folder: Path) -> dict[str, str]:
        """Variables under which ``aws`` means this cloud, in scripts too; ``folder`` is for the program that does it."""
        aws = folder / "aws"
        aws.write_text(f'#!/bin/sh\n{UNDERSTOOD}\nexec "{self.cli}" --endpoint-url "{self.url}" "$@"\n')
        aws.chmod(0o755)
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
        return os.environ | keys | {"PATH": f"{folder}:{os.environ['PATH']}", "AWS_PAGER": ""}


def second_cli() -> Path:
    """The AWS CLI of version 2; skips without one, and fails in CI."""
    for folder in os.environ["PATH"].split(":"):
        found = shutil.which("aws", path=folder)
        if not found:
            continue
        ran = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if "aws-cli/2." in ran.stdout:
            return Path(found)
    reason = "the AWS CLI of version 2 is not on PATH (Debian, Ubuntu: apt-get install awscli)"
    if os.environ.get("CI"):
        pytest.fail(f"CI must run the operations guide's commands, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A simulated cloud of our own, over a socket."""
    cli = second_cli()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as lines, subprocess.Popen(command, stdout=lines, stderr=lines) as server:
        try:
            wait_for(url, server, log)
            yield Cloud(url, cli)
        finally:
            server.terminate()


def wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Returns when the cloud answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()  # noqa: S310  # our own server
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the simulated cloud does not answer: {log.read_text()[-2000:]}")
