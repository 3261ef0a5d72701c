"""Verdicts beside those of checkov and kube-score over variations of one good workload.

Every difference must be on the written list `tests/support/peer_reasons.py`; what is not there is printed.
"""

from __future__ import annotations

import copy
import importlib.util
import itertools
import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.timing import ROOT, peer

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD: dict[str, Any] = {
    "serviceAccountName": "app",
    "automountServiceAccountToken": False,
    "containers": [
        {
            "name": "c",
            "image": "contoso.azurecr.io/app:1.2",
            "imagePullPolicy": "Always",
            "resources": {
                "limits": {"cpu": "1", "memory": "1Gi"},
                "requests": {"cpu": "1", "memory": "1Gi"},
            },
            "securityContext": {
                "privileged": False,
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }
    ],
}
CHECKS = {
    "CKV_K8S_16": "no-privileged-containers",
    "CKV_K8S_17": "no-host-namespaces",
    "CKV_K8S_18": "no-host-namespaces",
    "CKV_K8S_19": "no-host-namespaces",
    "CKV_K8S_20": "no-privilege-escalation",
    "CKV_K8S_22": "read-only-root",
    "CKV_K8S_23": "run-as-non-root",
    "CKV_K8S_26": "no-host-ports",
    "CKV_K8S_27": "no-host-paths",
    "CKV_K8S_31": "seccomp-profile",
    "CKV_K8S_35": "secrets-as-files",
    "CKV_K8S_37": "drop-capabilities",
    "CKV_K8S_38": "token-mounted-on-purpose",
    "CKV_K8S_41": "own-service-account",
    "CKV_K8S_11": "requests-and-limits",
    "CKV_K8S_13": "requests-and-limits",
    "CKV_K8S_14": "image-pinned",
}
SCORES = {
    "container-security-context-readonlyrootfilesystem": "read-only-root",
    "container-security-context-privileged": "no-privileged-containers",
    "container-image-tag": "image-pinned",
    "container-resources": "requests-and-limits",
}
GONE = object()


def variations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what is varied, and the pod."""
    container: tuple[Any, ...] = ("containers", 0)
    security = (*container, "securityContext")
    simple: list[tuple[str, tuple[Any, ...], Any]] = [
        ("good", (*container, "name"), "c"),
        *(("flag", (*security, "privileged"), value) for value in (True, GONE)),
        *(("flag", (*security, "allowPrivilegeEscalation"), value) for value in (True, GONE)),
        *(("flag", (*security, "readOnlyRootFilesystem"), value) for value in (False, GONE)),
        ("caps", (*security, "capabilities"), GONE),
        ("caps", (*security, "capabilities"), {"drop": ["NET_RAW"]}),
        ("caps", (*security, "capabilities"), {"drop": ["all"]}),
        ("add-bind", (*security, "capabilities"), {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        ("add-admin", (*security, "capabilities"), {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        ("seccomp", (*security, "seccompProfile"), GONE),
        ("seccomp", (*security, "seccompProfile"), {"type": "Unconfined"}),
        ("localhost", (*security, "seccompProfile"), {"type": "Localhost", "localhostProfile": "a"}),
        *(
            ("host", (name,), value)
            for name in ("hostPID", "hostIPC", "hostNetwork")
            for value in (True, False)
        ),
        ("socket", ("volumes",), [{"name": "a", "hostPath": {"path": "/var/run/docker.sock"}}]),
        ("other-path", ("volumes",), [{"name": "a", "hostPath": {"path": "/tmp"}}]),
        *(
            ("image", (*container, "image"), name)
            for name in ("nginx", "nginx:latest", f"n@sha256:{'a' * 64}")
        ),
        ("port-no-tag", (*container, "image"), "registry.example:5000/nginx"),
        ("resources", (*container, "resources"), GONE),
        ("resources", (*container, "resources"), {"requests": {"cpu": "1", "memory": "1"}}),
        ("limits-only", (*container, "resources"), {"limits": {"cpu": "1", "memory": "1"}}),
        (
            "env",
            (*container, "env"),
            [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        ),
        ("env", (*container, "envFrom"), [{"secretRef": {"name": "s"}}]),
        ("port", (*container, "ports"), [{"containerPort": 80, "hostPort": 80}]),
        *(("account", ("serviceAccountName",), value) for value in ("default", GONE)),
        *(("token", ("automountServiceAccountToken",), value) for value in (True, GONE)),
        ("init", ("initContainers",), [{"name": "i", "image": "busybox:1"}]),
    ]
    for name, path, value in simple:
        yield name, changed(GOOD, path, value)
    for user, root, pod_user, pod_root in itertools.product(
        (GONE, 0, 1000), (GONE, True, False), (GONE, 0, 1000), (GONE, True, False)
    ):
        pod = changed(changed(GOOD, (*security, "runAsUser"), user), (*security, "runAsNonRoot"), root)
        pod["securityContext"] = {}
        pod = changed(pod, ("securityContext", "runAsUser"), pod_user)
        yield "root", changed(pod, ("securityContext", "runAsNonRoot"), pod_root)


def changed(pod: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return the pod with one place changed."""
    out = copy.deepcopy(pod)
    target: Any = out
    for step in path[:-1]:
        target = target[step]
    if value is GONE:
        target.pop(path[-1], None)
    else:
        target[path[-1]] = value
    return out


def ours(file: Path) -> dict[tuple[str, str], bool]:
    """Return whether each control passes for each pod."""
    from datetime import UTC, datetime

    from seawall.controls import Catalogue, Options, assess
    from seawall.core import Outcome
    from seawall.sources import read_paths

    options = Options(now=datetime.now(UTC), include_passed=True, locate=False)
    found: dict[tuple[str, str], bool] = {}
    for item in assess(read_paths([str(file)]), Catalogue(), options).findings:
        key = (item.control, item.subject.name)
        found[key] = found.get(key, True) and item.outcome is Outcome.PASS
    return found


def checkov(program: str, file: Path) -> dict[tuple[str, str], bool]:
    """Return the same by checkov."""
    command = [program, "-f", str(file), "--framework", "kubernetes", "-o", "json", "--compact"]
    command += [part for check in CHECKS for part in ("-c", check)]
    out = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    found: dict[tuple[str, str], bool] = {}
    for kind in ("passed_checks", "failed_checks"):
        for item in out["results"][kind]:
            key = (CHECKS[item["check_id"]], item["resource"].rpartition(".")[2])
            found[key] = found.get(key, True) and kind == "passed_checks"
    return found


def kube_score(program: str, file: Path) -> dict[tuple[str, str], bool]:
    """Return the same by kube-score."""
    done = subprocess.run([program, "score", str(file), "-o", "json"], capture_output=True, check=False)
    return {
        (SCORES[item["check"]["id"]], subject["object_meta"]["name"]): item["grade"] >= 10
        for subject in json.loads(done.stdout)
        for item in subject["checks"]
        if item["check"]["id"] in SCORES and not item["skipped"]
    }


def main() -> None:
    """Compare, and print what no reason is written for."""
    reasons = _reasons()
    pods = list(variations())
    names = {f"p{number}-{what}": what for number, (what, _) in enumerate(pods)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pods.json"
        items = [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "spec": pod}
            for name, (_, pod) in zip(names, pods, strict=True)
        ]
        file.write_text("\n---\n".join(json.dumps(item) for item in items), encoding="utf-8")
        file = file.rename(file.with_suffix(".yaml"))
        mine = ours(file)
        for label, function, written in (
            ("checkov", checkov, reasons.CHECKOV),
            ("kube-score", kube_score, reasons.KUBE_SCORE),
        ):
            program = peer(label)
            if not program:
                print(f"{label} is not installed")
                continue
            theirs = function(program, file)
            apart = [key for key, passes in theirs.items() if mine.get(key) is not passes]
            known = Counter((control, names[name]) for control, name in apart)
            print(f"{label}: {len(pods)} pods, {len(theirs)} verdicts, {len(apart)} differ")
            for (control, what), count in sorted(known.items()):
                reason = written.get((control, what))
                print(f"  {control}, {what}: {count} {'' if reason else 'WITHOUT A REASON'}")


def _reasons() -> Any:
    spec = importlib.util.spec_from_file_location(
        "peer_reasons", ROOT / "tests" / "support" / "peer_reasons.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
