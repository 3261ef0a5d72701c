"""Random pods, controllers and namespace labels that touch every field which Pod Security reads; all are valid objects."""

from __future__ import annotations

import copy

KINDS = {
    "Pod": ("", "v1", "pods"), "Deployment": ("apps", "v1", "deployments"), "ReplicaSet": ("apps", "v1", "replicasets"),
    "StatefulSet": ("apps", "v1", "statefulsets"), "DaemonSet": ("apps", "v1", "daemonsets"), "Job": ("batch", "v1", "jobs"),
    "CronJob": ("batch", "v1", "cronjobs"), "ReplicationController": ("", "v1", "replicationcontrollers"),
    "PodTemplate": ("", "v1", "podtemplates"), "Namespace": ("", "v1", "namespaces"),
}  # fmt: skip
PREFIX = "pod-security.kubernetes.io/"
LEVELS, BAD_LEVELS = ["privileged", "baseline", "restricted"], ["Baseline", "nothing", ""]
VERSIONS = [
    "latest", "v1.0", "v1.7", "v1.8", "v1.18", "v1.19", "v1.22", "v1.24", "v1.25", "v1.30", "v1.31", "v1.33", "v1.34", "v1.99",
]  # fmt: skip
BAD_VERSIONS = ["1.25", "v1.01", "v2.0"]
SECCOMP = [{"type": "RuntimeDefault"}, {"type": "Unconfined"}, {"type": "Localhost", "localhostProfile": "p"}]
APPARMOR = [
    {"type": "RuntimeDefault"},
    {"type": "Unconfined"},
    {"type": "Localhost", "localhostProfile": "a"},
]
SELINUX = [
    {"type": "container_t"}, {"type": "container_engine_t"}, {"type": "spc_t"}, {"user": "u"}, {"role": "r", "type": "x"}, {"level": "s0"},
]  # fmt: skip
SYSCTLS = [
    [{"name": "kernel.shm_rmid_forced", "value": "1"}],
    [{"name": "net.ipv4.tcp_rmem", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}],
    [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}],
]
CAPABILITIES = [
    {"drop": ["ALL"]}, {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, {"add": ["CHOWN", "KILL"]}, {"add": ["NET_RAW"]},
    {"add": ["CAP_CHOWN"], "drop": ["all"]}, {"drop": ["ALL"], "add": ["chown"]},
]  # fmt: skip
PORTS = [
    [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 8080}],
    [{"containerPort": 80, "hostPort": 9}, {"containerPort": 81, "hostPort": 1000}],
    [{"containerPort": 80}],
]
PROBES = [
    {"httpGet": {"port": 80}}, {"httpGet": {"port": 80, "host": "h"}}, {"tcpSocket": {"port": 80, "host": "h"}},
    {"exec": {"command": ["x"]}},
]  # fmt: skip
HOOKS = [{"preStop": {"httpGet": {"port": 80, "host": "h"}}}, {"postStart": {"exec": {"command": ["a"]}}}]
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
VOLUMES = [
    {"emptyDir": {}}, {"hostPath": {"path": "/x"}}, {"configMap": {"name": "c"}}, {"secret": {"secretName": "s"}},
    {"nfs": {"server": "s", "path": "/"}}, {"projected": {"sources": []}}, {"csi": {"driver": "d"}},
    {"persistentVolumeClaim": {"claimName": "c"}}, {"downwardAPI": {}}, {"ephemeral": {"volumeClaimTemplate": CLAIM}},
    {"image": {"reference": "r"}},
]  # fmt: skip
PROFILES = ["runtime/default", "docker/default", "localhost/x", "unconfined"]


class Maker:
    """Makes objects from one source of chance."""

    def __init__(self, chance):
        self.chance = chance

    def some(self, share):
        return self.chance.random() < share

    def fill(self, holder, **fields):
        """Set each field with its share of chance to one of its values."""
        for name, (share, values) in fields.items():
            if self.some(share):
                holder[name] = copy.deepcopy(self.chance.choice(values))
        return holder

    def labels(self, *, bad=False):
        """Return labels of Pod Security; `bad` has some that it does not take."""
        levels = LEVELS + BAD_LEVELS * bad
        versions = VERSIONS + BAD_VERSIONS * bad
        made = {}
        for mode in ("enforce", "audit", "warn"):
            self.fill(made, **{PREFIX + mode: (0.7, levels), f"{PREFIX}{mode}-version": (0.5, versions)})
        return made

    def security(self):
        return self.fill(
            {}, runAsNonRoot=(0.5, [True, False]), runAsUser=(0.3, [0, 1000]), seccompProfile=(0.5, SECCOMP),
            seLinuxOptions=(0.15, SELINUX), appArmorProfile=(0.15, APPARMOR),
        )  # fmt: skip

    def container(self, name, *, kind="main"):
        made = self.fill({"name": name, "image": "a"}, ports=(0.15 if kind != "ephemeral" else 0, PORTS))
        if kind == "main":
            self.fill(
                made, livenessProbe=(0.15, PROBES), readinessProbe=(0.1, PROBES), lifecycle=(0.1, HOOKS)
            )
        if self.some(0.8):
            made["securityContext"] = self.fill(
                self.security(), allowPrivilegeEscalation=(0.6, [False, False, True]), capabilities=(0.6, CAPABILITIES),
                procMount=(0.05, ["Default"]),
            )  # fmt: skip
            if made["securityContext"].get("allowPrivilegeEscalation") is not False:
                self.fill(made["securityContext"], privileged=(0.15, [True, False]))
        return made

    def spec(self):
        count = self.chance.randint(1, 3)
        made = {"containers": [self.container(f"c{index}") for index in range(count)]}
        made |= {"automountServiceAccountToken": False, "serviceAccountName": "default"}
        if self.some(0.3):
            made["initContainers"] = [self.container("i0", kind="init")]
        if self.some(0.7):
            made["securityContext"] = self.fill(self.security(), sysctls=(0.1, SYSCTLS))
        self.fill(made, hostUsers=(0.1, [True, False]), runtimeClassName=(0.05, ["exempt-class"]))
        if made.get("hostUsers") is not False:
            self.fill(made, hostNetwork=(0.07, [True]), hostPID=(0.07, [True, False]), hostIPC=(0.07, [True]))
        if self.some(0.3):
            chosen = self.chance.sample(VOLUMES, self.chance.randint(1, 3))
            made["volumes"] = [
                {"name": f"v{index}", **copy.deepcopy(each)} for index, each in enumerate(chosen)
            ]
        return made

    def annotations(self):
        return self.fill(
            {},
            **{
                "container.apparmor.security.beta.kubernetes.io/c0": (0.1, PROFILES),
                "seccomp.security.alpha.kubernetes.io/pod": (0.1, PROFILES),
                "container.seccomp.security.alpha.kubernetes.io/c0": (0.1, PROFILES),
            },
        )

    def object(self, kind, name):
        group, version, _ = KINDS[kind]
        made = {
            "apiVersion": f"{group}/{version}" if group else version,
            "kind": kind,
            "metadata": {"name": name},
        }
        spec = self.spec()
        if kind == "Pod":
            made["metadata"]["annotations"] = self.annotations()
            return made | {"spec": spec}
        template = {"metadata": {"labels": {"a": "b"}, "annotations": self.annotations()}, "spec": spec}
        if kind == "PodTemplate":
            return made | {"template": template}
        if kind in {"Job", "CronJob"}:
            spec["restartPolicy"] = "Never"
            del template["metadata"]["labels"]
            job = {"template": template}
            return made | {
                "spec": job if kind == "Job" else {"schedule": "* * * * *", "jobTemplate": {"spec": job}}
            }
        selector = {"a": "b"} if kind == "ReplicationController" else {"matchLabels": {"a": "b"}}
        more = {"serviceName": "s"} if kind == "StatefulSet" else {}
        return made | {"spec": {"selector": selector, "template": template, **more}}
