"""Pod Security Admission of the real API server 1.34, asked at random: verdict, text, warnings and annotations the same.

Pods, all controllers, updates, ephemeral containers, status, and labels of namespaces in which pods stand.
"""

from __future__ import annotations

import copy
import random

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.decide import engine
from support import admission
from support.random_pods import KINDS, PREFIX, Maker

REQUESTS = 250
NAMESPACES = ["random-0", "random-1", "random-2", "random-3", "random-4", "psa-exempt"]
_OWN = ("uid", "creationTimestamp", "generation", "resourceVersion", "managedFields")
# What other parts of the server warn of: deprecated annotations, names.
_OTHERS = ("metadata.", "spec.", "template.")


class World:
    """Namespaces with pods, and random requests on them."""

    def __init__(self, server, seed):
        self.server = server
        self.chance = random.Random(seed)  # noqa: S311 - the same draw in every run
        self.make = Maker(self.chance)
        self.namespaces = {name: admission.namespace(server, name) for name in [*NAMESPACES, "random-open"]}
        self.pods = {}
        for namespace in NAMESPACES:
            for index in range(self.chance.randint(1, 5)):
                self._stand(namespace, f"p{index}")
            labelled = copy.deepcopy(self.namespaces[namespace])
            labelled["metadata"]["labels"] |= self.make.labels()
            status, self.namespaces[namespace] = server.request(
                "PUT", f"/api/v1/namespaces/{namespace}", labelled
            )
            assert status == 200

    def _stand(self, namespace, name):
        pod = self.make.object("Pod", name)
        if self.chance.random() < 0.4:
            owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": True}
            pod["metadata"]["ownerReferences"] = [
                owner | {"uid": f"{self.chance.randint(1, 2)}1111111-1111-1111-1111-111111111111"}
            ]
        status, body = self.server.request("POST", _path("Pod", namespace), pod)
        if status == 201:
            self.pods[namespace, name] = body

    def request(self, index):
        """Return the method, path and body of one request, and the review's own fields; None where it is not valid."""
        namespace = self.chance.choice(NAMESPACES)
        what = self.chance.choice(["pod", "pod", "controller", "labels", "namespace", "update", "update"])
        held = [key for key in self.pods if key[0] == namespace]
        if what == "labels":
            old = self.namespaces[namespace]
            new = copy.deepcopy(old)
            new["metadata"]["labels"] = {"kubernetes.io/metadata.name": namespace} | self.make.labels(
                bad=self.chance.random() < 0.5
            )
            return (
                "PUT",
                f"/api/v1/namespaces/{namespace}",
                new,
                _review("Namespace", namespace, namespace, new, old),
            )
        if what == "namespace":
            name = f"new-{index}"
            new = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": self.make.labels(bad=True)},
            }
            seen = copy.deepcopy(new)
            seen["metadata"]["labels"]["kubernetes.io/metadata.name"] = name
            return "POST", "/api/v1/namespaces", new, _review("Namespace", name, name, seen)
        if what == "update" and held:
            return self._update(self.chance.choice(held))
        kind = "Pod" if what == "pod" else self.chance.choice(list(KINDS)[1:-1])
        obj = self.make.object(kind, f"n{index}")
        # As the server completes it, in a namespace that takes all.
        status, seen = self.server.request("POST", _path(kind, "random-open") + "?dryRun=All", obj)
        if status != 201:
            return None
        for key in _OWN:
            seen["metadata"].pop(key, None)
        seen.pop("status", None)
        seen["metadata"]["namespace"] = namespace
        return "POST", _path(kind, namespace), obj, _review(kind, namespace, f"n{index}", seen)

    def _update(self, key):
        old = self.pods[key]
        new, sub = copy.deepcopy(old), ""
        what = self.chance.choice(
            ["image", "label", "annotation", "toleration", "ephemeral", "ephemeral", "status"]
        )
        if what == "image":
            new["spec"]["containers"][0]["image"] = "other"
        elif what == "label":
            new["metadata"]["labels"] = {"q": "1"}
        elif what == "annotation":
            new["metadata"].setdefault("annotations", {})[
                "container.seccomp.security.alpha.kubernetes.io/c0"
            ] = "unconfined"
        elif what == "toleration":
            new["spec"].setdefault("tolerations", []).append({"key": "k", "operator": "Exists"})
        elif what == "ephemeral":
            sub = "ephemeralcontainers"
            new["spec"]["ephemeralContainers"] = [self.make.container("e0", kind="ephemeral")]
        else:
            sub = "status"
            new.setdefault("status", {})["message"] = "m"
        path = _path("Pod", key[0]) + f"/{key[1]}" + (f"/{sub}" if sub else "")
        review = _review("Pod", key[0], key[1], new, old)
        return "PUT", path, new, review | ({"subResource": sub} if sub else {})


def _path(kind, namespace):
    group, version, plural = KINDS[kind]
    return f"{f'/apis/{group}' if group else '/api'}/{version}/namespaces/{namespace}/{plural}"


def _review(kind, namespace, name, obj, old=None):
    group, version, plural = KINDS[kind]
    review = {
        "uid": "u", "operation": "UPDATE" if old else "CREATE", "name": name, "namespace": namespace, "dryRun": True,
        "kind": {"group": group, "version": version, "kind": kind}, "object": obj,
        "resource": {"group": group, "version": version, "resource": plural},
    }  # fmt: skip
    return review | ({"oldObject": old} if old else {})


@pytest.fixture(scope="module")
def server(cluster_factory):
    made = cluster_factory(api_only=True, audit=True, admission_config=admission.CONFIG)
    runtime_class = {
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "exempt-class"}, "handler": "h",
    }  # fmt: skip
    assert made.request("POST", "/apis/node.k8s.io/v1/runtimeclasses", runtime_class)[0] == 201
    return made


@pytest.mark.live
def test_random_pods_and_labels_are_answered_as_by_the_real_server(server):
    world = World(server, seed=20261121)
    decide = engine("admission", EngineOptions())
    decide.load({"objects": [admission.POD_SECURITY, *world.namespaces.values(), *world.pods.values()]})
    asked, denied, different = 0, 0, []
    for index in range(REQUESTS):
        made = world.request(index)
        if made is None:
            continue
        method, path, body, review = made
        identity = {"user": world.chance.choice(["kim", "kim", "exempt-user"]), "groups": ["system:masters"]}
        answer = server.ask(method, f"{path}?dryRun=All", body, **identity)
        said = None if answer.status < 300 else answer.body["message"]
        if answer.status == 422 and PREFIX not in said:
            continue  # not valid as an object, which is decided before
        asked += 1
        denied += said is not None
        user = {"username": identity["user"], "groups": identity["groups"]}
        response = decide.answer({"request": review | {"userInfo": user}})["response"]
        theirs = (
            answer.status if said else 200,
            said,
            sorted(w for w in answer.warnings if not w.startswith(_OTHERS)),
        )
        status = response.get("status") or {}
        mine = (status.get("code", 200), status.get("message"), sorted(response.get("warnings") or ()))
        if index % 3 == 0:
            found = admission.annotations(server, answer.headers["Audit-Id"])
            theirs += ({key: value for key, value in found.items() if key.startswith(PREFIX)},)
            mine += (response.get("auditAnnotations") or {},)
        if mine != theirs:
            different.append(f"{method} {path}\n  mine   {mine}\n  theirs {theirs}")
    assert different == [], "\n".join(different)
    assert asked > REQUESTS / 2
    assert denied > REQUESTS / 20
