"""The real control plane of packaging/controlplane and support/controlplane.py.

Expected values are Kubernetes's own: its documentation, and the texts of its API server.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from support import ROOT, controlplane
from support.controlplane import Cluster, ClusterError, Options
from support.controlplane_binaries import MULTI_CALL, NAMES, ControlPlane

pytestmark = pytest.mark.live

NOBODY = 65534
PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}


def eventually(question, within=30.0):
    """Ask until the answer is true; return it."""
    deadline = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {within} s: {question()!r}"
        time.sleep(0.05)
    return answer


def alive(pid):
    """Say whether a process runs (a zombie whose parent has gone does not)."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.fixture
def namespace(cluster):
    """Own the one namespace of this test, in the shared cluster."""
    made = cluster.kubectl(
        "create",
        "-o=name",
        "-f-",
        input='{"apiVersion":"v1","kind":"Namespace","metadata":{"generateName":"test-"}}',
    )
    name = made.stdout.strip().removeprefix("namespace/")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


class TestTheClusterIsReal:
    def test_it_serves_the_version_that_was_built(self, cluster, control_plane):
        status, version = cluster.request("GET", "/version")
        assert (status, version["gitVersion"]) == (200, control_plane.version)
        if control_plane.source == "the cache":
            go_mod = (ROOT / "packaging/controlplane/go.mod").read_text()
            assert f"k8s.io/kubernetes {version['gitVersion']}\n" in go_mod

    def test_kubectl_speaks_to_it(self, cluster, namespace):
        shown = cluster.kubectl("get", "namespace", namespace, "-o=jsonpath={.status.phase}")
        assert shown.stdout == "Active"

    def test_a_deployment_becomes_a_replica_set_and_pods_and_the_scheduler_looks_at_them(
        self, cluster, namespace
    ):
        cluster.kubectl(
            "create", "deployment", "web", "--image=nginx", "--replicas=2", f"--namespace={namespace}"
        )

        def pods():
            found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/pods")[1]["items"]
            return [pod for pod in found if pod["status"].get("conditions")]

        first, second = eventually(lambda: len(pods()) == 2 and pods())
        assert first["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
        assert first["spec"]["serviceAccountName"] == "default"
        condition = second["status"]["conditions"][0]
        assert (condition["type"], condition["status"], condition["reason"]) == (
            "PodScheduled",
            "False",
            "Unschedulable",
        )
        assert condition["message"].startswith("no nodes available to schedule pods")

    def test_the_default_roles_are_aggregated(self, cluster):
        # Only a running controller manager fills them (clusterrole-aggregation-controller).
        path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"
        assert eventually(lambda: cluster.request("GET", path)[1]["rules"])


class TestIdentities:
    REFUSED = 'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"'
    PODS = "/api/v1/namespaces/default/pods"

    def test_rbac_refuses_an_impersonated_nobody(self, cluster):
        status, body = cluster.request("GET", self.PODS, user="nobody")
        assert (status, body["reason"], body["message"]) == (403, "Forbidden", self.REFUSED)

    def test_kubectl_says_the_same(self, cluster):
        refused = cluster.kubectl("get", "pods", user="nobody", groups=["developers"], check=False)
        assert (refused.returncode, refused.stderr) == (1, f"Error from server (Forbidden): {self.REFUSED}\n")
        with pytest.raises(ClusterError, match='User "nobody" cannot list'):
            cluster.kubectl("get", "pods", user="nobody")

    def test_an_impersonated_identity_arrives_whole(self, cluster):
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        status, body = cluster.request(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            review,
            user="José",
            groups=["a", "b"],
            uid="7",
            extra={"lab.example/oid": ["1", "2"]},
        )
        assert status == 201
        # The API server adds the group that every authenticated user is in.
        assert body["status"]["userInfo"] == {
            "username": "José",
            "uid": "7",
            "groups": ["a", "b", "system:authenticated"],
            "extra": {"lab.example/oid": ["1", "2"]},
        }

    def test_a_client_certificate_is_a_user_in_groups(self, cluster):
        certificate = cluster.client_cert("jane", ["developers", "testers"])
        for shown in (
            cluster.kubectl("auth", "whoami", "-o=json", kubeconfig=cluster.kubeconfig_for(certificate)),
            cluster.kubectl("auth", "whoami", "-o=json", user="jane", groups=["developers", "testers"]),
        ):
            info = json.loads(shown.stdout)["status"]["userInfo"]
            assert info["username"] == "jane"
            assert info["groups"] == ["developers", "testers", "system:authenticated"]
        assert cluster.request("GET", self.PODS, certificate=certificate)[0] == 403

    def test_a_token_is_a_service_account_and_no_credential_is_anonymous(self, cluster):
        token = cluster.kubectl("create", "token", "default").stdout.strip()
        _, body = cluster.request("GET", self.PODS, token=token)
        assert 'User "system:serviceaccount:default:default" cannot list' in body["message"]
        refused = cluster.kubectl("get", "pods", kubeconfig=cluster.kubeconfig_for(token=token), check=False)
        assert 'User "system:serviceaccount:default:default" cannot list' in refused.stderr
        assert (
            'User "system:anonymous" cannot list'
            in cluster.request("GET", self.PODS, anonymous=True)[1]["message"]
        )
        assert cluster.request("GET", self.PODS, token="rubbish")[0] == 401

    def test_two_identities_at_once_are_a_mistake(self, cluster):
        with pytest.raises(ValueError, match="give one of"):
            cluster.request("GET", "/version", user="a", token="b")
        with pytest.raises(ValueError, match="together with a user"):
            cluster.request("GET", "/version", groups=["a"])


class TestLifeAndDeath:
    def test_stop_leaves_no_process_and_no_folder(self, make_cluster):
        cluster = make_cluster()
        pids, folder = dict(cluster.pids), cluster.folder
        assert set(pids) == PROGRAMS
        assert all(alive(pid) for pid in pids.values())
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {key.stat().st_mode & 0o777 for key in folder.glob("*.key")} == {0o600}
        codes = cluster.stop()
        assert codes["kube-apiserver"] == 0, "an orderly stop"
        assert "killed" not in codes.values()
        assert not any(alive(pid) for pid in pids.values())
        assert not folder.exists()
        assert cluster.stop() == {}, "twice is no error"
        with pytest.raises(ClusterError, match="not running"):
            cluster.restart()

    @pytest.mark.usefixtures("control_plane")
    def test_a_killed_test_run_leaves_no_process_and_no_folder(self):
        program = (
            "import json, os, signal, sys\n"
            "from support.controlplane import Cluster, Options\n"
            "from support.controlplane_binaries import find\n"
            "cluster = Cluster(find(), Options(api_only=True)).start()\n"
            "print(json.dumps({'pids': cluster.pids, 'folder': str(cluster.folder)}), flush=True)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        left = json.loads(done.stdout)
        eventually(
            lambda: not any(alive(pid) for pid in left["pids"].values()) and not Path(left["folder"]).exists()
        )

    def test_programs_die_with_a_killed_supervisor(self, make_cluster):
        if sys.platform != "linux":
            pytest.skip("only Linux sends a signal when a parent dies")
        cluster = make_cluster(api_only=True)
        cluster._supervisor.kill()
        eventually(lambda: not any(alive(pid) for pid in cluster.pids.values()))
        with pytest.raises(ClusterError, match="gone"):
            cluster.restart()
        assert cluster.stop() == {}
        assert not cluster.folder.exists()

    def test_a_port_taken_in_between_is_survived(self, cluster, make_cluster, monkeypatch):
        # Another API server answers on the first port: its readiness must not be taken for our own.
        ports = iter([cluster.port, controlplane.free_port()])
        monkeypatch.setattr(controlplane, "free_port", lambda: next(ports))
        second = make_cluster(api_only=True)
        assert next(ports, None) is None, "both were tried"
        assert second.port != cluster.port
        assert second.request("GET", "/version")[0] == 200
        assert not [
            left
            for left in Path(tempfile.gettempdir()).glob("seawall-*")
            if left != cluster.folder
            and (left / "admin.kubeconfig").is_file()
            and str(cluster.port) in (left / "admin.kubeconfig").read_text()
        ]

    def test_clusters_live_side_by_side_and_do_not_take_each_others_certificates(self, cluster, make_cluster):
        second, third = make_cluster(api_only=True), make_cluster(api_only=True)
        assert len({cluster.port, second.port, third.port}) == 3
        second.kubectl("create", "namespace", "only-here")
        assert second.request("GET", "/api/v1/namespaces/only-here")[0] == 200
        assert third.request("GET", "/api/v1/namespaces/only-here")[0] == 404
        refused = third.kubectl("get", "pods", f"--server={second.url}", check=False)
        assert "certificate signed by unknown authority" in refused.stderr

    def test_a_refused_flag_is_told_with_the_programs_own_words(self, control_plane):
        cluster = Cluster(control_plane, Options(api_only=True, flags=("--no-such-flag",)))
        with pytest.raises(ClusterError, match="unknown flag: --no-such-flag"):
            cluster.start()
        assert not cluster.folder.exists()
        assert not any(alive(pid) for pid in cluster.pids.values())

    def test_an_unprivileged_user_can_start_it(self, control_plane, cluster):
        if os.geteuid() != 0:
            assert cluster.request("GET", "/readyz")[0] == 200
            return
        # Root runs these tests: give the programs to nobody, from a folder that nobody can read.
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            open_to_all = {}
            for name in NAMES:
                source = control_plane.programs[name].resolve()
                target = Path(folder, source.name)
                if not target.exists():
                    shutil.copy(source, target)
                    target.chmod(0o755)
                open_to_all[name] = target
            theirs = ControlPlane(open_to_all, control_plane.version, "a copy")
            with Cluster(theirs, Options(run_as=NOBODY)) as unprivileged:
                assert unprivileged.request("GET", "/readyz") == (200, "ok")
                for pid in unprivileged.pids.values():
                    assert Path(f"/proc/{pid}").stat().st_uid == NOBODY
                pids = dict(unprivileged.pids)
            assert not any(alive(pid) for pid in pids.values())


def test_the_binary_says_what_it_can_be_called(control_plane):
    binary = control_plane.programs["etcd"].with_name(MULTI_CALL)
    if not binary.exists():
        pytest.skip("these are separate programs, not the multi-call binary")
    said = subprocess.run([str(binary)], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert all(name in said.stderr for name in NAMES)
    version = subprocess.run(
        [str(binary), "kube-scheduler", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout == f"Kubernetes {control_plane.version}\n"
