"""A real Kubernetes control plane on loopback for tests: etcd, API server, controller manager, scheduler.

    with Cluster(find()) as cluster:
        status, review = cluster.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {...})

Tests take the fixtures instead (support/controlplane_fixtures.py). Flags and their reasons: specs/lab.md b2.
All state lies in one temporary folder (0700). etcd listens on a Unix socket in it, so that the API server's
port is the only one, and nobody else reaches etcd; manager and scheduler serve nothing.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from support import controlplane_supervisor
from support.controlplane_client import Answer, Client, impersonation, over_socket
from support.controlplane_files import CONTROLLERS, ETCD, Folder, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from support.controlplane_binaries import ControlPlane
    from support.controlplane_pki import Certificate


PATIENCE = 120.0  # seconds to become ready, on a machine that others use too; 3 s are usual
TRIES = 5  # other ports, when one found free was taken before the API server bound it
STOP_PATIENCE = 15.0


class ClusterError(Exception):
    """The control plane did not start or stopped; the message has the program's last words."""


class PortTakenError(ClusterError):
    """Another program took the port between its being found free and the API server's binding it."""


class Cluster:
    """One running control plane; a context manager, or `start` and `stop`.

    `folder` holds everything, `url` and `port` the API server, `ca` its CA's file, `admin` the
    system:masters certificate, `kubeconfig` the file with it, `version` what the binaries call themselves,
    `pids` the process id of each program.
    """

    def __init__(self, control_plane: ControlPlane, options: Options | None = None) -> None:
        self.control_plane = control_plane
        self.options = options or Options()
        if not (control_plane.complete or self.options.api_only):
            raise ClusterError(f"{control_plane.source} has no controller manager and scheduler: API only")
        self.version = control_plane.version
        self.folder = Path()
        self.port = 0
        self.pids: dict[str, int] = {}
        self._supervisor: subprocess.Popen[str] | None = None
        self._orders = threading.Lock()
        self._numbers = itertools.count()
        self._names = threading.Lock()

    # ---- life ----

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start everything and wait until it serves. Raises ClusterError; nothing is left then."""
        for attempt in range(1, TRIES + 1):
            try:
                self._start(free_port())
            except PortTakenError:
                self.stop()
                if attempt == TRIES:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                break
        return self

    def stop(self) -> dict[str, int | str]:
        """Stop in the order that is quick (the API server before etcd: lab.md b4); remove the folder.

        Returns each program's exit code, negative for a signal, "killed" where it did not go by itself.
        """
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return {}
        codes: dict[str, int | str] = {}
        self._client.close()
        try:
            with contextlib.suppress(ClusterError):  # a dead supervisor has taken its children along
                for names in (CONTROLLERS, ["kube-apiserver"], ["etcd"]):
                    codes |= self._order("stop", supervisor, names=names, timeout=STOP_PATIENCE).get(
                        "codes", {}
                    )
        finally:
            # At the end of its stdin the supervisor removes the folder and ends.
            with contextlib.suppress(BrokenPipeError), supervisor:
                pass
            supervisor.wait()
            shutil.rmtree(self.folder, ignore_errors=True)  # should the supervisor have been killed
        return codes

    def restart(self) -> None:
        """Stop the API server and start it again, on the same etcd and port."""
        self._order("stop", names=["kube-apiserver"], timeout=STOP_PATIENCE)
        self._client.close()
        self._start_api_server()

    # ---- asking ----

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **identity: Any,
    ) -> tuple[int, Any]:
        """Ask as the admin, or as the `identity` of `ask`; return the status code and the JSON (or text)."""
        answer = self.ask(method, path, body, headers, **identity)
        return answer.status, answer.body

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        user: str | None = None,
        groups: Sequence[str] = (),
        uid: str | None = None,
        extra: Mapping[str, Sequence[str]] | None = None,
        token: str | None = None,
        certificate: Certificate | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """Ask, and return status, body and headers.

        The identity is one of: nothing (admin), `user` with `groups`, `uid`, `extra` (impersonated by the
        admin), a bearer `token`, a client `certificate`, or `anonymous` (no credential at all).
        A PATCH is a JSON merge patch unless `headers` give another Content-Type.
        """
        if sum(map(bool, (user is not None, token, certificate, anonymous))) > 1:
            raise ValueError("give one of user, token, certificate, anonymous")
        used = None if token or anonymous else certificate or self.admin
        sent: dict[str, Any] = impersonation(user, groups, uid, extra) | dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return self._client.ask(used, method, path, body, sent)

    def kubectl(
        self,
        *arguments: str,
        input: str | bytes | None = None,  # noqa: A002 - subprocess.run's name for it
        check: bool = True,
        user: str | None = None,
        groups: Sequence[str] = (),
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the real kubectl as the admin, as an impersonated user, or with another kubeconfig."""
        impersonated = [] if user is None else [f"--as={user}", *(f"--as-group={group}" for group in groups)]
        done = subprocess.run(
            ["kubectl", f"--kubeconfig={kubeconfig or self.kubeconfig}", *impersonated, *arguments],
            executable=self.control_plane.programs["kubectl"],
            input=input.decode() if isinstance(input, bytes) else input,
            stdin=subprocess.DEVNULL if input is None else None,
            env={"HOME": str(self.folder), "PATH": os.environ.get("PATH", os.defpath)},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            shown = " ".join(arguments)
            raise ClusterError(f"kubectl {shown}: exit {done.returncode}: {done.stderr or done.stdout}")
        return done

    def audit_events(
        self, until: Callable[[list[dict[str, Any]]], bool] | None = None, within: float = 10.0
    ) -> list[dict[str, Any]]:
        """Return the audit events so far, oldest first.

        The API server writes an event after its answer: with `until`, a condition on the events, this
        waits until it holds (TimeoutError after `within` seconds).
        """
        if not self.options.audit:
            raise ValueError("this cluster keeps no audit log: make_cluster(audit=True)")
        deadline = time.monotonic() + within
        while True:
            text = (self.folder / "audit.log").read_text(encoding="utf-8")
            # The last line may still be in writing: it counts when its newline is there.
            events = [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]
            if until is None or until(events):
                return events
            if time.monotonic() > deadline:
                raise TimeoutError(f"the awaited audit event did not come; {len(events)} others did")
            time.sleep(0.02)

    def stored(self, key: str) -> bytes | None:
        """Return the bytes that etcd holds under a key ("/registry/secrets/NS/NAME"), or None."""
        coded = base64.b64encode(key.encode()).decode()
        found = over_socket(self.folder / ETCD, "POST", "/v3/kv/range", {"key": coded}).get("kvs", [])
        return base64.b64decode(found[0]["value"]) if found else None

    # ---- identities ----

    def client_cert(self, user: str, groups: Sequence[str] = ()) -> Certificate:
        """Issue a client certificate that the API server takes for this user in these groups."""
        return self._files.authority.client(self._name("client"), user, groups)

    def kubeconfig_for(
        self,
        certificate: Certificate | None = None,
        *,
        token: str | None = None,
        user: str | None = None,
        groups: Sequence[str] = (),
    ) -> Path:
        """Write a kubeconfig: for a certificate, a bearer token, or an impersonated user."""
        if certificate is None and token is None and user is None:
            raise ValueError("give a certificate, a token or a user")
        if token is None:
            certificate = certificate or self.admin
        return self._files.kubeconfig(self._name("kubeconfig"), certificate, token, user, groups)

    # ---- how it starts ----

    def _start(self, port: int) -> None:
        self.port = port
        self.url = f"https://127.0.0.1:{port}"
        # mkdtemp: mode 0700. It is the supervisor's from now on: it removes it, however this process ends.
        self.folder = Path(tempfile.mkdtemp(prefix="seawall-"))
        self.ca = self.folder / "ca.crt"
        self._client = Client(port, self.ca)
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", controlplane_supervisor.__file__, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._files = Folder(self.folder, port)
        self.admin = self._files.admin
        self.kubeconfig = self._files.kubeconfig("admin.kubeconfig", self.admin)
        self._api_server_flags = self._files.api_server_flags(self.options)
        if self.options.run_as is not None:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, self.options.run_as, self.options.run_as)
        self._program("etcd", self._files.etcd_flags())
        self._wait("etcd", (self.folder / ETCD).exists)
        self._start_api_server()
        if not self.options.api_only:
            for name in CONTROLLERS:
                self._program(name, self._files.controller_flags(name))
            # Pods are refused before their ServiceAccount is there, and it is the manager that makes it.
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            self._wait("kube-controller-manager", lambda: self._is_ready(account))

    def _start_api_server(self) -> None:
        self._program("kube-apiserver", self._api_server_flags)
        self._wait("kube-apiserver", lambda: self._is_ready("/readyz"))

    def _name(self, prefix: str) -> str:
        with self._names:
            return f"{prefix}-{next(self._numbers)}"

    # ---- the supervisor ----

    def _program(self, name: str, arguments: Sequence[str]) -> None:
        executable = str(self.control_plane.programs[name])
        started = self._order(
            "start", name=name, executable=executable, arguments=arguments, user=self.options.run_as
        )
        self.pids[name] = started["pid"]

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        """Wait until a program is ready; raise with its last words when it has ended or takes too long."""
        deadline = time.monotonic() + PATIENCE
        while True:
            # In this order: an answer counts when the child lives that may have given it.
            done = ready()
            state = self._order("poll", name=name)
            if state["code"] is not None:
                kind = PortTakenError if "address already in use" in state["log"] else ClusterError
                raise kind(f"{name} ended with code {state['code']}:\n{state['log']}")
            if done:
                return
            if time.monotonic() > deadline:
                log = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
                raise ClusterError(f"{name} was not ready after {PATIENCE:.0f} s:\n{log[-4000:]}")
            time.sleep(0.05)

    def _is_ready(self, path: str) -> bool:
        # TLS proves that the answer is our own API server's: no other has a certificate of this CA.
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self._client.ask(self.admin, "GET", path).status == 200
        return False

    def _order(self, do: str, supervisor: subprocess.Popen[str] | None = None, **what: Any) -> dict[str, Any]:
        supervisor = supervisor or self._supervisor
        if supervisor is None or supervisor.stdin is None or supervisor.stdout is None:
            raise ClusterError("the cluster is not running")
        try:
            with self._orders:
                supervisor.stdin.write(json.dumps({"do": do, **what}) + "\n")
                supervisor.stdin.flush()
                line = supervisor.stdout.readline()
        except (OSError, ValueError) as error:
            raise ClusterError(f"the cluster's supervisor has gone: {error}") from error
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the supervisor has gone"}
        if "error" in answer:
            raise ClusterError(f"{do} {what.get('name', '')}: {answer['error']}")
        return answer


def free_port() -> int:
    """Return a loopback port that is free now. It may be taken a moment later: `Cluster.start` survives that."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
