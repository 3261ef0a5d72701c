"""Pod Security: pods a second on one core. Then 100 manifests with every policy engine, as a whole process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.estates import write_manifests
from bench.timing import peer
from seawall.policy.podsecurity import evaluate

API = "admissionregistration.k8s.io"
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
VALIDATIONS = (
    "object.spec.replicas <= 50",
    "object.spec.template.spec.containers.all(c, has(c.resources))",
    "object.spec.template.spec.containers.all(c, !c.image.endsWith(':latest'))",
    "!has(object.spec.template.spec.hostNetwork)",
    "object.metadata.name.size() < 60",
)


def pod(containers: int) -> dict[str, Any]:
    """Return a pod that restricted allows."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "b", "labels": {"app": "a"}},
        "spec": {
            "serviceAccountName": "a",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "c", "configMap": {"name": "x"}}],
            "containers": [
                {
                    "name": f"c{n}",
                    "image": "x:1",
                    "ports": [{"containerPort": 80}],
                    "securityContext": context,
                }
                for n in range(containers)
            ],
        },
    }


def main() -> None:
    """Print microseconds a pod, and pods a second, as the number of containers grows."""
    for containers in (1, 2, 4, 16):
        given = pod(containers)
        assert evaluate(given, "restricted") == []
        times = []
        for _ in range(7):
            start = time.perf_counter()
            for _ in range(10_000):
                evaluate(given, "restricted")
            times.append((time.perf_counter() - start) / 10_000)
        best = min(times)
        print(f"restricted, {containers:2} containers: {best * 1e6:6.1f} us a pod, {1 / best:9,.0f} pods/s")
    manifests()


def policies() -> list[dict[str, Any]]:
    """Return Pod Security for all namespaces, ten validating policies and one that mutates, all bound."""
    match = {"resourceRules": [RULE]}
    found: list[dict[str, Any]] = [
        {
            "apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration",
            "defaults": {"enforce": "baseline", "audit": "restricted", "warn": "restricted"},
        },
        {
            "apiVersion": f"{API}/v1beta1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "m"},
            "spec": {
                "matchConstraints": match, "reinvocationPolicy": "IfNeeded",
                "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {
                    "expression": "Object{metadata: Object.metadata{labels: {'a': 'b'}}}"}}],
            },
        },
        {
            "apiVersion": f"{API}/v1beta1", "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": "m"},
            "spec": {"policyName": "m"},
        },
    ]  # fmt: skip
    for number in range(10):
        name = f"p{number}"
        spec = {"matchConstraints": match, "validations": [{"expression": each} for each in VALIDATIONS]}
        found += [
            {"apiVersion": f"{API}/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
            {
                "apiVersion": f"{API}/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
                "spec": {"policyName": name, "validationActions": ["Warn"]},
            },
        ]  # fmt: skip
    return found


def manifests() -> None:
    """Print wall time and memory of `seawall policy check` over 100 manifests, beside checkov's of the same files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_manifests(folder / "m", 100)
        policy = folder / "policies.jsonl"
        policy.write_text("".join(json.dumps(item) + "\n" for item in policies()))
        seawall = [sys.executable, "-m", "seawall", "policy", "check", str(folder / "m"), str(policy)]
        commands = {"seawall policy check": seawall}
        if checkov := peer("checkov"):
            commands["checkov"] = [
                checkov,
                "--compact",
                "--quiet",
                "--framework",
                "kubernetes",
                "-d",
                str(folder / "m"),
            ]
        for title, command in commands.items():
            runs = [_measured(command) for _ in range(3)]
            seconds, memory = min(runs)[0], max(run[1] for run in runs)
            print(f"100 manifests, {title}: {seconds:.2f} s, {memory:.0f} MB")


def _measured(command: list[str]) -> tuple[float, float]:
    """Return seconds of wall time and the most memory in MB of a process."""
    start = time.perf_counter()
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src")}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
