"""What the programs of one cluster read: options, certificates, configuration files, kubeconfigs and flags.

The flags and their reasons: specs/lab.md b2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.controlplane_pki import Authority, Certificate, service_account_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    # Configuration is text or plain data; where it has to name the cluster's folder, a function of that.
    Config = str | Mapping[str, Any] | Callable[[Path], str | Mapping[str, Any]]

ETCD = "etcd.sock:0"  # etcd's flags want host:port in every URL; the file has this name
PEER = "peer.sock:0"
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")

DEFAULT_AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a test may set; every configuration is text, plain data, or a function of the cluster's folder.

    `api_only`: no controller manager and no scheduler. `flags`: further flags of the API server, such as
    `("--max-requests-inflight=10",)`. `audit`: True for level Metadata of everything, or a Policy. The four
    `*_config` are the API server's files. `mutating_admission_policy` turns on the beta of 1.34.
    `files`: further files of the folder, by name. `run_as`: a user id for the programs (only root may).
    """

    api_only: bool = False
    flags: Sequence[str] = ()
    audit: bool | Config = False
    authentication_config: Config | None = None
    authorization_config: Config | None = None
    encryption_config: Config | None = None
    admission_config: Config | None = None
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: Mapping[str, bool] = field(default_factory=dict)
    mutating_admission_policy: bool = False
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    run_as: int | None = None


class Folder:
    """The folder of one cluster whose API server serves on `port`; making one writes every file but configuration."""

    def __init__(self, path: Path, port: int) -> None:
        self.path = path
        self.port = port
        self.authority = Authority(path, "ca")
        self.admin = self.authority.client("admin", "kubernetes-admin", ["system:masters"])
        for name in CONTROLLERS:
            self.kubeconfig(f"{name}.kubeconfig", self.authority.client(name, f"system:{name}"))

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file that only its owner reads."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def kubeconfig(
        self,
        file: str,
        certificate: Certificate | None = None,
        token: str | None = None,
        user: str | None = None,
        groups: Sequence[str] = (),
    ) -> Path:
        """Write a kubeconfig for a certificate or a token, that impersonates a user where one is given."""
        who: dict[str, Any] = {}
        if certificate is not None:
            who |= {"client-certificate": str(certificate.cert), "client-key": str(certificate.key)}
        if token is not None:
            who["token"] = token
        if user is not None:
            who |= {"as": user, "as-groups": list(groups)}
        server = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority": str(self.authority.path),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "seawall", "cluster": server}],
            "users": [{"name": "user", "user": who}],
            "contexts": [{"name": "seawall", "context": {"cluster": "seawall", "user": "user"}}],
            "current-context": "seawall",
        }
        return self.write(file, json.dumps(document))

    @staticmethod
    def etcd_flags() -> list[str]:
        return [
            "--name=seawall",
            "--data-dir=etcd",
            *(f"--{flag}=unix://{ETCD}" for flag in ("listen-client-urls", "advertise-client-urls")),
            *(f"--{flag}=unix://{PEER}" for flag in ("listen-peer-urls", "initial-advertise-peer-urls")),
            f"--initial-cluster=seawall=unix://{PEER}",
            "--unsafe-no-fsync",  # the data lives as long as the test
            "--log-level=warn",
        ]

    def controller_flags(self, name: str) -> list[str]:
        """Return the flags of the controller manager or the scheduler."""
        flags = [
            f"--kubeconfig={self.path / name}.kubeconfig",
            "--leader-elect=false",
            "--secure-port=0",  # it serves nothing: no port to lose
            "--kube-api-qps=1000",  # the defaults make 50 pods a second
            "--kube-api-burst=2000",
        ]
        if name == "kube-controller-manager":
            flags += [
                "--service-account-private-key-file=sa.key",
                f"--root-ca-file={self.authority.path}",
                "--use-service-account-credentials=true",
                "--node-monitor-grace-period=5m",
            ]
        return flags

    def api_server_flags(self, options: Options) -> list[str]:
        """Write the files of the options; return the API server's flags."""
        ca = self.authority
        # A second CA for the aggregator: else any client certificate might claim any user by header.
        front = Authority(self.path, "front-proxy-ca")
        proxy, server = front.client("front-proxy", "front-proxy"), ca.server("apiserver")
        kubelet = ca.client("kubelet-client", "kube-apiserver-kubelet-client", ["system:masters"])
        public, private = service_account_keys(self.path)
        for name, content in options.files.items():
            self.write(name, content)
        flags = [
            f"--etcd-servers=unix://{ETCD}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={server.cert}",
            f"--tls-private-key-file={server.key}",
            f"--client-ca-file={ca.path}",
            f"--requestheader-client-ca-file={front.path}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={proxy.cert}",
            f"--proxy-client-key-file={proxy.key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            "--enable-admission-plugins=NodeRestriction",
            # Without it a stop waits 60 s for every open watch (lab.md b4).
            "--shutdown-watch-termination-grace-period=2s",
            f"--kubelet-client-certificate={kubelet.cert}",
            f"--kubelet-client-key={kubelet.key}",
            f"--kubelet-certificate-authority={ca.path}",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
        ]
        if options.audit:
            policy = DEFAULT_AUDIT_POLICY if options.audit is True else options.audit
            flags.append(self._config("audit-policy-file", policy))
            flags.append(f"--audit-log-path={self.path / 'audit.log'}")
        if options.authorization_config is None:
            flags.append("--authorization-mode=Node,RBAC")
        for flag, config in (
            ("authorization-config", options.authorization_config),
            ("authentication-config", options.authentication_config),
            ("encryption-provider-config", options.encryption_config),
            ("admission-control-config-file", options.admission_config),
        ):
            if config is not None:
                flags.append(self._config(flag, config))
        gates, runtime = dict(options.feature_gates), dict(options.runtime_config)
        if options.mutating_admission_policy:
            gates.setdefault("MutatingAdmissionPolicy", True)
            runtime.setdefault("admissionregistration.k8s.io/v1beta1", True)
        flags += [
            f"--{flag}=" + ",".join(f"{name}={str(on).lower()}" for name, on in values.items())
            for flag, values in (("feature-gates", gates), ("runtime-config", runtime))
            if values
        ]
        return [*flags, *options.flags]

    def _config(self, flag: str, config: Config) -> str:
        if callable(config):
            config = config(self.path)
        # JSON is YAML: plain data needs no YAML writer.
        path = self.write(f"{flag}.yaml", config if isinstance(config, str) else json.dumps(config))
        return f"--{flag}={path}"
