"""As much of the API of Kubernetes as Helm and the runbooks' commands of kubectl ask for, over a socket.

A cluster keeps what it is sent under any path that its discovery names.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from . import protobuf
from .cluster import Cluster, Resource

Groups = dict[str, dict[str, str]]
"""Kinds by their plural, by the group and version that they belong to."""

RESOURCES: Groups = {
    "v1": {"pods": "Pod", "secrets": "Secret", "services": "Service", "serviceaccounts": "ServiceAccount",
           "namespaces": "Namespace", "events": "Event"},
    "apps/v1": {"deployments": "Deployment", "replicasets": "ReplicaSet"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy", "ingresses": "Ingress"},
}  # fmt: skip
OPERATOR: Groups = {
    "monitoring.coreos.com/v1": {"servicemonitors": "ServiceMonitor", "prometheusrules": "PrometheusRule"},
}
SHORT = {"horizontalpodautoscalers": ["hpa"], "deployments": ["deploy"], "poddisruptionbudgets": ["pdb"]}

LINES = ('{"level":"INFO","event":"listening"}', '{"level":"ERROR","event":"request failed"}')
"""What every pod has logged."""


def merge(found: Any, patch: Any) -> Any:
    """A value with a patch over it: objects field by field, where null takes one away; all else as a whole."""
    if not (isinstance(found, dict) and isinstance(patch, dict)):
        return deepcopy(patch)
    kept = {key: value for key, value in found.items() if key not in patch}
    return kept | {key: merge(found.get(key), value) for key, value in patch.items() if value is not None}


def patched(found: Resource, steps: list[dict[str, Any]]) -> Resource:
    """A resource after the steps of a JSON patch that replace or add."""
    made = deepcopy(found)
    for step in steps:
        *way, last = (word.replace("~1", "/").replace("~0", "~") for word in step["path"].strip("/").split("/"))
        place = made
        for word in way:
            place = place[word]
        place[last] = step["value"]
    return made


class Answer(Exception):
    """What is answered at once."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(status)
        self.status, self.said = status, said


def missing(path: str) -> Answer:
    """That there is no such thing."""
    return Answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                        "message": f"{path} not found"})  # fmt: skip


def discovery(groups: Groups, path: str) -> Any:
    """What the cluster says of itself at a path; nothing for other paths."""
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": "v1.37.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        names = [{"groupVersion": group, "version": group.rpartition("/")[2]} for group in groups if "/" in group]
        listed = [
            {"name": name["groupVersion"].partition("/")[0], "versions": [name], "preferredVersion": name}
            for name in names
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
    if path == "/openapi/v3":
        return {"paths": {rooted(group)[1:]: {"serverRelativeURL": f"/openapi/v3{rooted(group)}"} for group in groups}}
    of_schema = path.startswith("/openapi/v3/")
    group = path.removeprefix("/openapi/v3").removeprefix("/apis/").removeprefix("/api/")
    if group not in groups:
        return None
    if of_schema:
        return openapi(group, groups[group])
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    resources = [
        {"name": plural, "singularName": kind.lower(), "namespaced": plural != "namespaces", "kind": kind,
         "verbs": verbs, "shortNames": SHORT.get(plural, [])}
        for plural, kind in groups[group].items()
    ]  # fmt: skip
    if group == "apps/v1":
        resources.append({"name": "deployments/scale", "singularName": "", "namespaced": True, "kind": "Scale",
                          "group": "autoscaling", "version": "v1", "verbs": ["get", "patch", "update"]})  # fmt: skip
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": resources}


def rooted(group: str) -> str:
    """The path of a group of the API."""
    return f"/apis/{group}" if "/" in group else f"/api/{group}"


def openapi(group: str, kinds: dict[str, str]) -> Any:
    """That the cluster itself checks the fields of what it is sent, and nothing else: then Helm leaves it to it."""
    domain, _, version = group.rpartition("/")
    checks = {"in": "query", "name": "fieldValidation", "schema": {"type": "string"}}
    paths = {
        f"{rooted(group)}/namespaces/{{namespace}}/{plural}/{{name}}": {
            "patch": {
                "parameters": [checks],
                "responses": {},
                "x-kubernetes-group-version-kind": {"group": domain, "version": version, "kind": kind},
            }
        }
        for plural, kind in kinds.items()
    }
    return {"openapi": "3.0.0", "info": {"title": "Simulated", "version": version}, "paths": paths}


class Request:
    """One request, taken apart."""

    def __init__(self, cluster: Cluster, method: str, target: str, kind: str, body: bytes) -> None:
        self.cluster, self.method, self.kind, self.body = cluster, method, kind, body
        parts = urlsplit(target)
        self.path, self.query = parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}
        found = discovery(cluster.groups, self.path)
        if found is not None:
            raise Answer(200, found)
        words = self.path.strip("/").split("/")
        self.group = "v1" if words[0] == "api" else "/".join(words[1:3])
        rest = words[2:] if words[0] == "api" else words[3:]
        self.namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            self.namespace, rest = rest[1], rest[2:]
        self.plural, self.name, self.part = (*rest, "", "", "")[:3]
        if self.plural not in cluster.groups.get(self.group, {}):
            raise missing(self.path)

    @property
    def of_kind(self) -> dict[str, str]:
        """What a resource says of its kind."""
        return {"apiVersion": self.group, "kind": self.cluster.groups[self.group][self.plural]}

    def found(self) -> Resource:
        """The resource that is named."""
        if self.plural == "namespaces":
            return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}}
        try:
            return self.cluster.held[self.plural, self.namespace, self.name]
        except KeyError:
            raise missing(self.path) from None

    def listed(self) -> Resource:
        """All resources that are asked for."""
        name = self.query.get("fieldSelector", "").removeprefix("metadata.name=")
        items = self.cluster.all(self.plural, self.query.get("labelSelector", ""), name)
        kind = self.of_kind
        return {"apiVersion": self.group, "kind": f"{kind['kind']}List", "items": items,
                "metadata": {"resourceVersion": str(self.cluster.version)}}  # fmt: skip

    def answer(self) -> Any:
        """What the cluster says, after it has done what it was asked for."""
        if self.method == "GET":
            return self.get()
        if self.method == "DELETE":
            return self.cluster.held.pop((self.plural, self.namespace, self.found()["metadata"]["name"]))
        sent: Any = protobuf.resource(self.body) if self.body.startswith(protobuf.MAGIC) else yaml.safe_load(self.body)
        if self.part == "scale":
            resource = merge(self.found(), {"spec": {"replicas": sent["spec"]["replicas"]}})
            return scale(self.cluster.put(self.plural, self.namespace, resource))
        if self.method != "PATCH":
            return self.cluster.put(self.plural, self.namespace, self.of_kind | sent)
        if "apply-patch" in self.kind and (self.plural, self.namespace, self.name) not in self.cluster.held:
            return self.cluster.put(self.plural, self.namespace, sent)
        resource = patched(self.found(), sent) if "json-patch" in self.kind else merge(self.found(), sent)
        return self.cluster.put(self.plural, self.namespace, resource)

    def get(self) -> Any:
        """What is asked for without changing anything."""
        if not self.name:
            return self.listed()
        if self.part == "log":
            self.found()
            return "\n".join(LINES) + "\n"
        return scale(self.found()) if self.part == "scale" else self.found()


def scale(deployment: Resource) -> Resource:
    """How many replicas a Deployment has."""
    about = {key: deployment["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": about,
            "spec": {"replicas": deployment["spec"]["replicas"]}, "status": {"replicas": deployment["spec"]["replicas"]}}  # fmt: skip


def handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    """What answers requests for a cluster."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with cluster.lock:
                try:
                    request = Request(cluster, self.command, self.path, self.headers.get("Content-Type", ""), body)
                    status, said = (201 if self.command == "POST" else 200), deepcopy(request.answer())
                except Answer as answer:
                    status, said = answer.status, answer.said
            plain_text = isinstance(said, str)
            sent = (said if plain_text else json.dumps(said)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if plain_text else "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_PATCH(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
            """Nothing: a test tells of itself."""

    return Handler


@contextmanager
def simulated(folder: Path, namespace: str, groups: Groups = RESOURCES | OPERATOR) -> Iterator[tuple[Cluster, Path]]:
    """A cluster at an address of this machine, and the file that leads kubectl and Helm to it."""
    cluster = Cluster(groups)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(cluster))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    config = folder / "kubeconfig"
    config.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "simulated",
        "clusters": [{"name": "simulated", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "any", "namespace": namespace}}],
        "users": [{"name": "any", "user": {}}],
    }))  # fmt: skip
    try:
        yield cluster, config
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
