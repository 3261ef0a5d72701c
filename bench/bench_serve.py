"""The admission webhook under load: HTTPS, the real body of an AdmissionReview, `wrk` as the callers.

Compared in the same run with a bare echo of the same body: on our own host, and on granian (RSGI) where it is
installed. Then certificates are rotated under load, and the server is killed and started under load.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 3
ECHO = """
import sys
from pathlib import Path
from seawall.serve.certificates import TlsSettings
from seawall.serve.host import Host, Settings
from seawall.serve.service import Reply
class Echo:
    name = "echo"
    def handlers(self, objects):
        return {"/validate": lambda call: Reply(call.body, "echo")}
Host(Settings(port=int(sys.argv[1]), tls=TlsSettings(folder=Path(sys.argv[2]), names=("127.0.0.1",))), [Echo()]).run()
"""
GRANIAN = """
async def app(scope, protocol):
    body = await protocol()
    protocol.response_bytes(200, [("content-type", "application/json")], body)
"""


def review() -> bytes:
    """Return an AdmissionReview of 4.2 KB: a pod with two containers that restricted allows."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "image": f"registry.example/team/app:1.2.3@sha256:{'a' * 64}",
        "env": [{"name": f"ENV_{n}", "value": f"value-{n}"} for n in range(12)],
        "ports": [{"containerPort": 80}],
        "resources": {
            "limits": {"cpu": "500m", "memory": "128Mi"},
            "requests": {"cpu": "100m", "memory": "64Mi"},
        },
        "securityContext": context,
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "namespace": "shop",
            "labels": {f"label-{n}": "x" * 20 for n in range(10)},
            "annotations": {f"example.com/a-{n}": "v" * 60 for n in range(12)},
        },
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "c", "configMap": {"name": "x"}}],
            "containers": [container | {"name": name} for name in ("a", "b")],
        },
    }
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "name": "p", "namespace": "shop",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:authenticated"]},
        "object": pod, "oldObject": None, "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }  # fmt: skip
    return json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    ).encode()


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it answers when the block begins."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{folder}"}
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        import socket

        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wrk(
    port: int, folder: Path, *more: str, connections: int = 32, script: str = "post.lua"
) -> dict[str, float]:
    """Load a server; return requests a second, p50 and p99 in milliseconds, and failures."""
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", *more, "-s", str(folder / script),
            f"https://127.0.0.1:{port}/validate?timeout=10s",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    text = done.stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50": _milliseconds(text, "50%"),
        "p99": _milliseconds(text, "99%"),
        "failed": sum(map(int, errors.groups())) if errors else 0 + (int(bad[1]) if bad else 0),
    }


def _milliseconds(text: str, what: str) -> float:
    number, unit = re.search(rf"{what}\s+([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def seawall(port: int, folder: Path, *more: str) -> list[str]:
    """Return the command of our webhook."""
    return [
        sys.executable, "-m", "seawall", "serve", "admission", "--port", str(port), "--snapshot", str(folder / "world"),
        "--tls-own", str(folder / "own"), "--tls-name", "127.0.0.1", *more,
    ]  # fmt: skip


def throughput(folder: Path) -> None:
    """Compare webhook and echoes; print rates, and p99 at about half load."""
    servers = {
        "webhook": seawall(18601, folder),
        "echo, own host": [sys.executable, str(folder / "echo.py"), "18602", str(folder / "own")],
    }
    granian = shutil.which("granian", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if granian:
        tls = [
            "--ssl-certificate",
            str(folder / "own" / "tls.crt"),
            "--ssl-keyfile",
            str(folder / "own" / "tls.key"),
        ]
        servers["echo, granian"] = [
            granian,
            "--interface",
            "rsgi",
            "--port",
            "18603",
            "--no-ws",
            *tls,
            "gecho:app",
        ]
    with contextlib.ExitStack() as stack:
        ports = {}
        for number, (name, command) in enumerate(servers.items(), 18601):
            stack.enter_context(running(command, number, folder))
            ports[name] = number
        time.sleep(2)
        for script, title in (
            ("post.lua", "the same pod again"),
            ("unique.lua", "each pod another environment"),
            ("user.lua", "each pod another user, which Pod Security reads"),
        ):
            results: dict[str, list[float]] = {}
            for _ in range(3):  # in turns: the machine's other work hits all alike
                for name, port in ports.items():
                    results.setdefault(name, []).append(wrk(port, folder, script=script)["rate"])
            best = {name: max(rates) for name, rates in results.items()}
            for name, rate in best.items():
                share = best["webhook"] / rate
                print(f"{title}: {name:16} {rate:9,.0f} requests/s   webhook / it: {share:.0%}")
        # wrk has no fixed rate: two connections of one thread leave the server idle half of the time.
        for connections in (1, 2, 4):
            found = wrk(ports["webhook"], folder, connections=connections)
            share = found["rate"] / best["webhook"]
            print(
                f"{connections} connections: {found['rate']:7,.0f} requests/s ({share:.0%}), p50 {found['p50']:.2f} ms, p99 {found['p99']:.2f} ms"
            )


def rotations(folder: Path, count: int = 1000) -> None:
    """Rotate the certificate under load, with kept and with new connections; print what failed."""
    with running(seawall(18611, folder), 18611, folder) as process:
        time.sleep(1)
        certificate = folder / "own" / "tls.crt"
        stop, failed, fresh = threading.Event(), [0], [0]

        def renewing() -> None:
            import http.client
            import ssl

            context = ssl.create_default_context(cafile=str(folder / "own" / "ca.crt"))
            while not stop.is_set():
                try:
                    connection = http.client.HTTPSConnection("127.0.0.1", 18611, context=context, timeout=10)
                    connection.request("POST", "/validate?timeout=10s", review())
                    if connection.getresponse().status != 200:
                        failed[0] += 1
                    fresh[0] += 1
                    connection.close()
                except OSError:
                    failed[0] += 1

        worker = threading.Thread(target=renewing)
        worker.start()
        load: list[dict[str, float]] = []
        kept = threading.Thread(
            target=lambda: [load.append(wrk(18611, folder, connections=8)) for _ in iter(stop.is_set, True)]
        )
        kept.start()
        began, done = time.monotonic(), 0
        for _ in range(count):
            before = certificate.read_bytes()
            certificate.unlink()
            process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 5
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    if certificate.read_bytes() not in {before, b""}:
                        done += 1
                        break
                time.sleep(0.001)
        seconds = time.monotonic() - began
        stop.set()
        worker.join()
        kept.join()
    requests = sum(one["rate"] for one in load) * SECONDS
    failures = failed[0] + sum(one["failed"] for one in load)
    print(
        f"{done} rotations in {seconds:.0f} s under {requests:,.0f} requests on kept and {fresh[0]:,} on new connections: {failures:.0f} failed"
    )


def kills(folder: Path) -> None:
    """Kill the server under load and start it again; print how long nobody answered."""
    import http.client
    import ssl

    context = ssl.create_default_context(cafile=str(folder / "own" / "ca.crt"))
    gaps = []
    log = folder / "log.jsonl"
    for _ in range(3):
        with running(seawall(18621, folder, "--decision-log", str(log)), 18621, folder) as process:
            loaded = subprocess.Popen(
                [
                    "wrk",
                    "-t1",
                    "-c8",
                    "-d3s",
                    "-s",
                    str(folder / "post.lua"),
                    "https://127.0.0.1:18621/validate",
                ],
                stdout=subprocess.DEVNULL,
            )
            time.sleep(1.5)
            process.kill()
            process.wait()
            began = time.monotonic()
        with running(seawall(18621, folder, "--decision-log", str(log)), 18621, folder):
            while True:
                with contextlib.suppress(OSError):
                    connection = http.client.HTTPSConnection("127.0.0.1", 18621, context=context, timeout=1)
                    connection.request("GET", "/readyz")
                    if connection.getresponse().status == 200:
                        break
                time.sleep(0.005)
            gaps.append(time.monotonic() - began)
            loaded.wait()
    torn = 0
    with log.open("rb") as file:
        lines = 0
        for line in file:
            lines += 1
            try:
                json.loads(line)
            except ValueError:
                torn += 1
    print(
        f"kill -9 and start: ready again after {min(gaps):.2f} to {max(gaps):.2f} s; {lines:,} decisions logged, {torn} lines torn"
    )


def main() -> None:
    """Run all three."""
    if shutil.which("wrk") is None:
        print("wrk is not installed (apt-get install wrk): not measured")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "world").mkdir()
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        (folder / "world" / "ns.json").write_text(
            json.dumps(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}
            )
        )
        (folder / "body.json").write_bytes(review())
        (folder / "post.lua").write_text(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f'local f = io.open("{folder}/body.json", "rb"); wrk.body = f:read("*a"); f:close()\n'
        )
        for script, pattern, made in (
            ("unique.lua", "value%-0", "n"),
            ("user.lua", '"runAsNonRoot": true', '\'"runAsNonRoot": true, "runAsUser": \' .. n'),
        ):
            (folder / script).write_text(
                'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                f'local f = io.open("{folder}/body.json", "rb"); local b = f:read("*a"); f:close()\n'
                f"local first, last = b:find('{pattern}'); local head, tail = b:sub(1, first - 1), b:sub(last + 1)\n"
                "local n = 0\n"
                f"request = function() n = n + 1; return wrk.format(nil, nil, nil, head .. {made} .. tail) end\n"
            )
        (folder / "echo.py").write_text(ECHO)
        (folder / "gecho.py").write_text(GRANIAN)
        print(f"body of {len(review())} bytes, HTTPS, 32 connections of wrk, one process a server")
        throughput(folder)
        rotations(folder, int(os.environ.get("ROTATIONS", "1000")))
        kills(folder)


if __name__ == "__main__":
    main()
