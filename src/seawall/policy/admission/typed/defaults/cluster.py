"""Defaults of all other groups (pkg/apis/*/v1/defaults.go, apiextensions and kube-aggregator).

`timeAdded` of a device's taint is the time at which the server fills it in: it is left out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.typed.defaults.filling import absent, child, zero

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
_AGGREGATOR = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1"


def _network_policy(obj: Json) -> None:
    spec = child(obj, "spec")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _ingress_class(obj: Json) -> None:
    parameters = child(obj, "spec").get("parameters")
    if parameters is not None:
        absent(parameters, scope="Cluster")


def _role_binding(obj: Json) -> None:
    zero(child(obj, "roleRef"), apiGroup=_RBAC)


def _subject(subject: Json) -> None:
    if subject.get("kind") in {"User", "Group"}:
        zero(subject, apiGroup=_RBAC)


def _csi_driver(obj: Json) -> None:
    spec = child(obj, "spec")
    absent(
        spec, attachRequired=True, podInfoOnMount=False, storageCapacity=False, requiresRepublish=False,
        seLinuxMount=False, fsGroupPolicy="ReadWriteOnceWithFSType",
    )  # fmt: skip
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]


def _webhook(hook: Json) -> None:
    absent(hook, failurePolicy="Fail", timeoutSeconds=10)
    _matched(hook)


def _mutating_webhook(hook: Json) -> None:
    _webhook(hook)
    absent(hook, reinvocationPolicy="Never")


def _matched(holder: Json) -> None:
    absent(holder, matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})


def _definition(obj: Json) -> None:
    spec = child(obj, "spec")
    names = child(spec, "names")
    kind = str(names.get("kind") or "")
    zero(names, singular=kind.lower())
    if kind:
        zero(names, listKind=f"{kind}List")
    absent(spec, conversion={"strategy": "None"})
    status = child(obj, "status")
    stored = [each.get("name") for each in spec.get("versions") or () if each.get("storage")]
    if stored and not status.get("storedVersions"):
        status["storedVersions"] = stored[:1]


def _device_request(request: Json) -> None:
    zero(request, allocationMode="ExactCount")
    if request["allocationMode"] == "ExactCount":
        zero(request, count=1)


def _device_request_beta(request: Json) -> None:
    if request.get("deviceClassName"):  # else it has subrequests
        _device_request(request)


def _port(reference: Json) -> None:
    absent(reference, port=443)


RULES: dict[str, Callable[[Json], None]] = {
    "networking.v1.NetworkPolicy": _network_policy,
    "networking.v1.NetworkPolicyPort": lambda it: absent(it, protocol="TCP"),
    "networking.v1.IngressClass": _ingress_class,
    "rbac.v1.RoleBinding": _role_binding,
    "rbac.v1.ClusterRoleBinding": _role_binding,
    "rbac.v1.Subject": _subject,
    "storage.v1.StorageClass": lambda it: absent(it, reclaimPolicy="Delete", volumeBindingMode="Immediate"),
    "storage.v1.CSIDriver": _csi_driver,
    "scheduling.v1.PriorityClass": lambda it: absent(it, preemptionPolicy="PreemptLowerPriority"),
    "discovery.v1.EndpointPort": lambda it: absent(it, name="", protocol="TCP"),
    "flowcontrol.v1.FlowSchemaSpec": lambda it: zero(it, matchingPrecedence=1000),
    "flowcontrol.v1.ExemptPriorityLevelConfiguration": lambda it: absent(
        it, nominalConcurrencyShares=0, lendablePercent=0
    ),
    "flowcontrol.v1.LimitedPriorityLevelConfiguration": lambda it: absent(
        it, nominalConcurrencyShares=30, lendablePercent=0
    ),
    "flowcontrol.v1.QueuingConfiguration": lambda it: zero(it, handSize=8, queues=64, queueLengthLimit=50),
    "admissionregistration.v1.ValidatingWebhook": _webhook,
    "admissionregistration.v1.MutatingWebhook": _mutating_webhook,
    "admissionregistration.v1.MatchResources": _matched,
    "admissionregistration.v1.RuleWithOperations": lambda it: absent(it, scope="*"),
    "admissionregistration.v1.NamedRuleWithOperations": lambda it: absent(it, scope="*"),
    "admissionregistration.v1.ValidatingAdmissionPolicySpec": lambda it: absent(it, failurePolicy="Fail"),
    "admissionregistration.v1.ServiceReference": _port,
    "resource.v1.ExactDeviceRequest": _device_request,
    "resource.v1.DeviceSubRequest": _device_request,
    "resource.v1beta2.ExactDeviceRequest": _device_request,
    "resource.v1beta2.DeviceSubRequest": _device_request,
    "resource.v1beta1.DeviceRequest": _device_request_beta,
    "resource.v1beta1.DeviceSubRequest": _device_request,
    f"{_EXTENSIONS}.CustomResourceDefinition": _definition,
    f"{_EXTENSIONS}.ServiceReference": _port,
    f"{_AGGREGATOR}.ServiceReference": _port,
}
