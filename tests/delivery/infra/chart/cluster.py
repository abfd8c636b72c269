"""What a simulated cluster holds, and what its controller of Deployments does: `cluster_api` speaks for it.

A new template makes a set of replicas with the next revision, whose pods run at once. Nothing is checked, scheduled or
scaled, and there are no rights: manifests are checked against published schemas elsewhere.
"""

import threading
from copy import deepcopy
from typing import Any

Resource = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"


class Cluster:
    """What the cluster holds, by kind of resource, namespace and name."""

    def __init__(self, groups: dict[str, dict[str, str]]) -> None:
        self.groups = groups
        self.held: dict[tuple[str, str, str], Resource] = {}
        self.version = 0
        self.lock = threading.RLock()

    def all(self, plural: str, selector: str = "", name: str = "") -> list[Resource]:
        """Resources of a kind that have these labels, or this name."""
        wanted = dict(part.split("=") for part in selector.replace("==", "=").split(",") if part)
        return [
            each for (kind, _, own), each in sorted(self.held.items())
            if kind == plural and name in ("", own) and wanted.items() <= each["metadata"].get("labels", {}).items()
        ]  # fmt: skip

    def put(self, plural: str, namespace: str, resource: Resource) -> Resource:
        """Keeps a resource, and does what its controller would do."""
        self.version += 1
        about = resource["metadata"]
        before = self.held.get((plural, namespace, about["name"]), {})
        changed = before.get("spec") != resource.get("spec")
        about |= {
            "namespace": namespace,
            "uid": before.get("metadata", {}).get("uid", f"uid-{self.version}"),
            "resourceVersion": str(self.version),
            "generation": before.get("metadata", {}).get("generation", 0) + changed,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        self.held[plural, namespace, about["name"]] = resource
        if plural == "deployments" and changed:
            self.roll_out(namespace, resource)
        return resource

    def roll_out(self, namespace: str, deployment: Resource) -> None:
        """A set of replicas for the template, older ones emptied, and the pods of the new one running."""
        spec, about = deployment["spec"], deployment["metadata"]
        count = spec.setdefault("replicas", 1)
        owned = [
            each for each in self.all("replicasets") if each["metadata"]["ownerReferences"][0]["uid"] == about["uid"]
        ]
        last = max((int(each["metadata"]["annotations"][REVISION]) for each in owned), default=0)
        same = [each for each in owned if plain(each["spec"]["template"]) == plain(spec["template"])]
        newest = same and int(same[0]["metadata"]["annotations"][REVISION]) == last
        revision = str(last if newest else last + 1)
        hashed = same[0]["metadata"]["labels"]["pod-template-hash"] if same else f"hash{revision}"
        for each in owned:
            each["spec"]["replicas"] = 0
        template = deepcopy(spec["template"])
        template["metadata"]["labels"]["pod-template-hash"] = hashed
        labels = template["metadata"]["labels"]
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": about["name"],
            "uid": about["uid"],
            "controller": True,
        }
        replicas: Resource = {
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": f"{about['name']}-{hashed}", "labels": labels, "annotations": {REVISION: revision},
                         "ownerReferences": [owner]},
            "spec": {"replicas": count, "selector": {"matchLabels": labels}, "template": template},
        }  # fmt: skip
        self.put("replicasets", namespace, replicas)
        about.setdefault("annotations", {})[REVISION] = revision
        deployment["status"] = {
            "observedGeneration": about["generation"], "replicas": count, "updatedReplicas": count,
            "readyReplicas": count, "availableReplicas": count,
            "conditions": [{"type": "Available", "status": "True"}],
        }  # fmt: skip
        self.held = {key: each for key, each in self.held.items() if key[0] != "pods"}
        for number in range(count):
            pod = {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": f"{replicas['metadata']['name']}-{number}", "labels": labels,
                             "annotations": template["metadata"].get("annotations", {})},
                "spec": template["spec"],
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            }  # fmt: skip
            self.put("pods", namespace, pod)


def plain(template: Resource) -> Resource:
    """A template without what the controller adds."""
    made = deepcopy(template)
    made["metadata"]["labels"].pop("pod-template-hash", None)
    return made
