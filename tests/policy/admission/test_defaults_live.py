"""What the API server 1.34 fills in, of every kind that has defaults: asked of the real one, with dry-run requests.

The server changes more of a new object than defaults do: OWN says which fields are another hand's.
"""

from __future__ import annotations

import copy
import re

import pytest

from seawall.policy.admission.patches import _without_nulls
from seawall.policy.admission.typed import builtin
from seawall.policy.admission.typed.defaults import RULES, with_api_defaults

POD_SPEC = {
    "containers": [
        {
            "name": "a", "image": "x", "ports": [{"containerPort": 80}],
            "livenessProbe": {"httpGet": {"port": 1}}, "readinessProbe": {"grpc": {"port": 1}}, "startupProbe": {"tcpSocket": {"port": 1}},
            "lifecycle": {"preStop": {"httpGet": {"port": 2}}},
            "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "resources": {"limits": {"cpu": "1500m", "memory": "1024Mi", "ephemeral-storage": "1000k"}, "requests": {"cpu": "0.1"}},
        },
        {"name": "b", "image": "x:1.2"},
        {"name": "c", "image": "h:5000/x@sha256:" + "a" * 64, "resources": {"limits": {"cpu": "0.0001"}}},
    ],
    "initContainers": [
        {"name": "i", "image": "x:latest", "resources": {"limits": {"cpu": "2"}}},
        {"name": "s", "image": "x:1", "restartPolicy": "Always", "resources": {"requests": {"memory": "100Mi"}}},
    ],
    "volumes": [
        {"name": "empty"}, {"name": "secret", "secret": {"secretName": "s"}}, {"name": "map", "configMap": {"name": "m"}},
        {"name": "down", "downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "host", "hostPath": {"path": "/x"}},
        {"name": "projected", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}},
        {"name": "iscsi", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2015-02.example.com:t", "lun": 0}},
        {"name": "rbd", "rbd": {"monitors": ["1.2.3.4"], "image": "i"}},
        {"name": "disk", "azureDisk": {"diskName": "d", "diskURI": "https://b/d.vhd"}},
        {"name": "scale", "scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": {"name": "n"}}},
        {"name": "claim", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}}}},
    ],
    "serviceAccountName": "default", "automountServiceAccountToken": False,
}  # fmt: skip
LABELS = {"app": "a"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}
JOB_SPEC = {
    "template": {
        "metadata": {"labels": LABELS},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "x:1"}]},
    }
}
SELECTOR = {"matchLabels": LABELS}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "0.5Gi"}}}
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
HOOK = {
    "name": "a.b.c",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "rules": [RULE],
    "clientConfig": {"service": {"name": "s", "namespace": "n"}},
}
SCALED = {"scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}, "maxReplicas": 9}

# (path without the group, kind, what is said besides the name)
OBJECTS = [
    ("api/v1", "pods", "Pod", {"spec": POD_SPEC}),
    ("api/v1", "pods", "Pod", {"spec": {**POD_SPEC, "hostNetwork": True}}),
    ("api/v1", "pods", "Pod", {"spec": {**POD_SPEC, "resources": {"limits": {"cpu": "4", "memory": "4096Mi"}}}}),
    ("api/v1", "podtemplates", "PodTemplate", {"template": TEMPLATE}),
    ("api/v1", "replicationcontrollers", "ReplicationController", {"spec": {"template": TEMPLATE}}),
    ("apis/apps/v1", "deployments", "Deployment", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    ("apis/apps/v1", "deployments", "Deployment", {"spec": {"selector": SELECTOR, "template": TEMPLATE, "replicas": 0, "strategy": {"type": "Recreate"}}}),
    ("apis/apps/v1", "deployments", "Deployment", {"spec": {"selector": SELECTOR, "template": TEMPLATE, "strategy": {"rollingUpdate": {"maxSurge": 1}}}}),
    ("apis/apps/v1", "daemonsets", "DaemonSet", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    ("apis/apps/v1", "daemonsets", "DaemonSet", {"spec": {"selector": SELECTOR, "template": TEMPLATE, "updateStrategy": {"type": "OnDelete"}}}),
    ("apis/apps/v1", "statefulsets", "StatefulSet", {"spec": {"serviceName": "s", "selector": SELECTOR, "template": TEMPLATE, "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": CLAIM}]}}),
    ("apis/apps/v1", "statefulsets", "StatefulSet", {"spec": {"serviceName": "s", "selector": SELECTOR, "template": TEMPLATE, "updateStrategy": {"type": "RollingUpdate"}}}),
    ("apis/apps/v1", "replicasets", "ReplicaSet", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    ("apis/batch/v1", "jobs", "Job", {"spec": JOB_SPEC}),
    ("apis/batch/v1", "jobs", "Job", {"spec": {**JOB_SPEC, "parallelism": 2, "completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1}}),
    ("apis/batch/v1", "jobs", "Job", {"spec": {**JOB_SPEC, "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}}}),
    ("apis/batch/v1", "cronjobs", "CronJob", {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "x:1"}]}}}}}}),
    ("api/v1", "services", "Service", {"spec": {"selector": LABELS, "ports": [{"port": 80}]}}),
    ("api/v1", "services", "Service", {"spec": {"type": "LoadBalancer", "sessionAffinity": "ClientIP", "ports": [{"port": 80, "targetPort": "http"}]}}),
    ("api/v1", "services", "Service", {"spec": {"type": "NodePort", "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}, "ports": [{"port": 80}]}}),
    ("api/v1", "services", "Service", {"spec": {"type": "ExternalName", "externalName": "a.b"}}),
    ("api/v1", "services", "Service", {"spec": {"externalIPs": ["1.2.3.4"], "ports": [{"port": 80, "protocol": "UDP"}]}}),
    ("api/v1", "persistentvolumeclaims", "PersistentVolumeClaim", {"spec": CLAIM}),
    ("api/v1", "persistentvolumes", "PersistentVolume", {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1024Mi"}, "hostPath": {"path": "/x"}}}),
    ("api/v1", "persistentvolumes", "PersistentVolume", {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1e3"}, "rbd": {"monitors": ["m"], "image": "i"}}}),
    ("api/v1", "persistentvolumes", "PersistentVolume", {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1.5Gi"}, "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2015-02.example.com:t", "lun": 0}}}),
    ("api/v1", "secrets", "Secret", {"data": {"a": "eA=="}}),
    ("api/v1", "configmaps", "ConfigMap", {}),
    ("api/v1", "namespaces", "Namespace", {}),
    ("api/v1", "nodes", "Node", {"status": {"capacity": {"cpu": "4000m"}}}),
    ("api/v1", "endpoints", "Endpoints", {"subsets": [{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]}),
    ("api/v1", "limitranges", "LimitRange", {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2000m"}, "min": {"memory": "1Mi", "cpu": "1m"}}, {"type": "Pod", "max": {"cpu": "2"}}]}}),
    ("api/v1", "resourcequotas", "ResourceQuota", {"spec": {"hard": {"cpu": "1000m", "pods": "1000"}}}),
    ("apis/autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", {"spec": SCALED}),
    ("apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", {"spec": SCALED}),
    ("apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", {"spec": {**SCALED, "behavior": {"scaleUp": {"selectPolicy": "Min"}}}}),
    ("apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", {"spec": {**SCALED, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}),
    ("apis/networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}}),
    ("apis/networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", {"spec": {"podSelector": {}, "egress": [{"ports": [{"port": 80, "protocol": "UDP"}]}]}}),
    ("apis/networking.k8s.io/v1", "ingressclasses", "IngressClass", {"spec": {"controller": "a.b/c", "parameters": {"kind": "X", "name": "x"}}}),
    ("apis/networking.k8s.io/v1", "ingresses", "Ingress", {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}}),
    ("apis/rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]}),
    ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", {"roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "Group", "name": "g"}]}),
    ("apis/storage.k8s.io/v1", "storageclasses", "StorageClass", {"provisioner": "p.x/y"}),
    ("apis/storage.k8s.io/v1", "csidrivers", "CSIDriver", {"spec": {}}),
    ("apis/scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", {"value": 1}),
    ("apis/discovery.k8s.io/v1", "endpointslices", "EndpointSlice", {"addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4"]}], "ports": [{"port": 80}]}),
    ("apis/flowcontrol.apiserver.k8s.io/v1", "flowschemas", "FlowSchema", {"spec": {"priorityLevelConfiguration": {"name": "x"}}}),
    ("apis/flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {}}}}}),
    ("apis/resource.k8s.io/v1", "resourceclaims", "ResourceClaim", {"spec": {"devices": {"requests": [
        {"name": "a", "exactly": {"deviceClassName": "c"}}, {"name": "b", "firstAvailable": [{"name": "s", "deviceClassName": "c"}]},
        {"name": "d", "exactly": {"deviceClassName": "c", "allocationMode": "All"}}]}}}),
    ("apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", {"webhooks": [HOOK]}),
    ("apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", {"webhooks": [HOOK]}),
    ("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", {"spec": {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}}),
    ("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", {"spec": {"policyName": "p", "validationActions": ["Deny"], "matchResources": {}}}),
    ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", {"metadata": {"name": "things.example.com"}, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}),
    ("apis/apiregistration.k8s.io/v1", "apiservices", "APIService", {"metadata": {"name": "v1.example.org"}, "spec": {
        "group": "example.org", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, "insecureSkipTLSVerify": True, "service": {"name": "s", "namespace": "n"}}}),
    ("apis/coordination.k8s.io/v1", "leases", "Lease", {"spec": {"holderIdentity": "a"}}),
    ("apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", {"spec": {"minAvailable": 1, "selector": SELECTOR}}),
    ("apis/node.k8s.io/v1", "runtimeclasses", "RuntimeClass", {"handler": "h"}),
]  # fmt: skip
CLUSTER = {
    "persistentvolumes", "namespaces", "nodes", "ingressclasses", "clusterrolebindings", "storageclasses", "csidrivers",
    "priorityclasses", "flowschemas", "prioritylevelconfigurations", "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings",
    "customresourcedefinitions", "apiservices", "runtimeclasses",
}  # fmt: skip
# Set by the strategy of the kind, by admission plugins or by the store, after defaults were filled in.
OWN = re.compile(
    r"metadata\.(uid|creationTimestamp|generation|resourceVersion|managedFields|namespace|generateName|finalizers|annotations).*|status\..*|"
    r"(Pod) spec\.(tolerations|priority|preemptionPolicy|serviceAccount).*|"
    r"(Service) spec\.(clusterIP|clusterIPs|ipFamilies|ipFamilyPolicy|ports\[\d+\]\.nodePort).*|(Namespace) spec\.finalizers.*|(Node) spec\.taints.*|"
    r"(Job) (spec\.selector|spec\.template\.metadata\.labels|metadata\.labels\.(batch|controller|job)).*"
)


def _leaves(value, path=""):
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for at, item in enumerate(value):
            yield from _leaves(item, f"{path}[{at}]")
    elif value not in (None, "", {}, []):
        yield path, value


def _of_another(kind, path):
    return OWN.fullmatch(path) or OWN.fullmatch(f"{kind} {path}")


def _difference(kind, theirs, mine):
    theirs, mine = dict(_leaves(theirs)), dict(_leaves(mine))
    return [
        (path, theirs.get(path), mine.get(path))
        for path in sorted(theirs.keys() | mine.keys())
        if theirs.get(path) != mine.get(path) and not _of_another(kind, path)
    ]


@pytest.mark.live
def test_every_kind_gets_the_defaults_of_the_server(mutating_cluster):
    cluster = mutating_cluster
    cluster.request(
        "POST",
        "/api/v1/namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "filled"}},
    )
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    cluster.request("POST", "/api/v1/namespaces/filled/serviceaccounts", account)
    different = []
    for number, (base, plural, kind, more) in enumerate(OBJECTS):
        api = base.removeprefix("apis/").removeprefix("api/")
        obj = {"apiVersion": api, "kind": kind, "metadata": {"name": f"d{number}"}, **copy.deepcopy(more)}
        where = "" if plural in CLUSTER else "/namespaces/filled"
        status, body = cluster.request("POST", f"/{base}{where}/{plural}?dryRun=All", obj)
        assert status == 201, (kind, body)
        group, _, version = api.rpartition("/")
        mine = with_api_defaults(builtin(group, version, kind), _without_nulls(obj))
        found = _difference(kind, body, mine)
        if found:
            different.append(f"{kind} {number}: " + "; ".join(map(str, found)))
    assert different == [], "\n".join(different)


def test_each_rule_of_a_version_that_is_served_is_asked_above():
    known = {(api.removeprefix("apis/").removeprefix("api/"), kind) for api, _, kind, _ in OBJECTS}
    missing = []
    for name in RULES:
        group, _, kind = name.rpartition(".")
        if not any(kind == each for _, each in known) and not _is_part(name):
            missing.append(name)
        assert group
    assert missing == []


def _is_part(name):
    """Whether a type is part of another one: then it is asked with that."""
    return builtin(*_named(name)) is None


def _named(name):
    short, version, kind = name.split(".")[-3:] if name.startswith("io.k8s") else name.split(".")
    return ("" if short == "core" else short, version, kind)
