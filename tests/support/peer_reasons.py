"""Where checkov 3.3.30 and kube-score differ from our controls over generated workloads, and why we do not follow.

The workloads are those of `bench/bench_peers.py`; the key is (our control, what was varied). Each reason names the
source that decides: the API server, the kubelet or the container runtime, before any scanner.
"""

from __future__ import annotations

KUBELET = (
    "the kubelet starts no container of user 0 where runAsNonRoot holds, and what the container does not say the "
    "pod says (pkg/kubelet/kuberuntime/security_context.go)"
)
INIT = "init containers are containers: a bad one fails the pod; checkov looks at `containers` alone"

CHECKOV = {
    ("run-as-non-root", "root"): KUBELET,
    ("run-as-non-root", "init"): INIT,
    ("seccomp-profile", "init"): INIT,
    ("seccomp-profile", "localhost"): "a Localhost profile is a profile (Pod Security Standards, restricted)",
    (
        "drop-capabilities",
        "add-admin",
    ): "what is added is had, whatever was dropped (containerd drops ALL first)",
    (
        "no-host-paths",
        "other-path",
    ): "CKV_K8S_27 looks for the Docker socket alone; the row asks for no hostPath",
}
KUBE_SCORE = {
    ("image-pinned", "port-no-tag"): "registry:5000/name has a port and no tag: it means latest",
    ("requests-and-limits", "limits-only"): "the API server fills requests from limits (SetDefaults_Pod)",
}
