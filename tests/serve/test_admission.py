"""The handlers of the admission webhook without the wire: pods that were judged before, keys of annotations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.engine import EngineOptions
from seawall.policy.admission.engine import AdmissionEngine
from seawall.policy.admission.repeated import Repeated
from seawall.serve.admission import Admission, annotation_key, for_webhook
from seawall.serve.service import Call

PREFIX = "pod-security.kubernetes.io/"
GOOD = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{"name": "a", "image": "x", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
}  # fmt: skip


def _namespace(name, **labels):
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {PREFIX + key: value for key, value in labels.items()}},
    }


WORLD = [
    _namespace("strict", enforce="restricted"),
    _namespace("warned", warn="restricted"),
    _namespace("open"),
]


def _body(spec, namespace="strict", uid="u", metadata=None, **more):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p-{uid}", **(metadata or {})},
        "spec": spec,
    }
    request = {
        "uid": uid, "operation": "CREATE", "name": f"p-{uid}", "namespace": namespace,
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {"username": "kim"}, "object": pod,
    }  # fmt: skip
    return json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request | more}
    ).encode()


def _ask(handler, body):
    reply = handler(Call(body, b"/validate"))
    return json.loads(reply.body)["response"], reply


_SPECS = st.sampled_from(
    [
        GOOD,
        {"containers": []},
        GOOD | {"hostNetwork": True},
        GOOD | {"runtimeClassName": "kata"},
        {"containers": [{"name": "a"}]},
    ]
)
_REQUESTS = st.builds(
    _body,
    _SPECS,
    st.sampled_from(["strict", "warned", "open", "gone"]),
    st.sampled_from("abc"),
    st.sampled_from([None, {"annotations": {}}, {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}}]),
    operation=st.sampled_from(["CREATE", "UPDATE", "DELETE"]),
    subResource=st.sampled_from(["", "status", "ephemeralcontainers"]),
    dryRun=st.booleans(),
)  # fmt: skip


@given(st.lists(_REQUESTS, min_size=1, max_size=12))
def test_what_is_remembered_is_what_would_be_said(bodies):
    handler = Admission().handlers(WORLD)["/validate"]
    engine = AdmissionEngine.of(EngineOptions())
    engine.load({"objects": WORLD})
    for body in [*bodies, *bodies, *bodies]:
        _, reply = _ask(handler, body)
        review = json.loads(body)
        assert reply.record()["response"] == engine.answer(review | {"phase": "validating"})["response"]
        assert reply.record()["request"] == review["request"]


def _repeated():
    engine = AdmissionEngine.of(EngineOptions())
    engine.load({"objects": WORLD})
    return Repeated(engine)


def test_pods_of_one_kind_are_remembered_and_keep_their_own_uid():
    repeated = _repeated()
    found = repeated.find(_body(GOOD, uid="one"))
    assert (found.uid, found.known) == ("one", None)
    repeated.keep(found.key, {"uid": "one", "allowed": True}, "kept")
    assert repeated.find(_body(GOOD, uid="two")).known is None  # seen once: it may never come again
    repeated.keep(found.key, {"uid": "two", "allowed": True}, "kept")
    again = repeated.find(_body(GOOD, uid="three"))
    assert (again.uid, again.known) == ("three", "kept")
    assert repeated.find(_body(GOOD | {"hostPID": True})).known is None
    assert repeated.find(_body(GOOD, "warned")).known is None
    # What Pod Security does not look at may be any.
    assert repeated.find(_body(GOOD, metadata={"annotations": {"a": "b"}})).known == "kept"
    images = [each | {"image": "other", "env": [{"name": "A"}]} for each in GOOD["containers"]]
    assert repeated.find(_body(GOOD | {"containers": images})).known == "kept"
    named = {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}}
    assert repeated.find(_body(GOOD, metadata=named)).known is None
    escaped = (
        _body(GOOD, metadata=named)
        .replace(b"apparmor", b"\\u0061pparmor")
        .replace(b"security", b"securit\\u0079")
    )
    assert repeated.find(escaped).known is None


REFERENCE = Path(__file__).parents[1] / "policy" / "podsecurity" / "reference.jsonl"


def test_what_is_read_of_a_pod_is_enough_and_what_tells_pods_apart_tells_their_answers():
    pods = [json.loads(line)["object"] for line in REFERENCE.read_text(encoding="utf-8").splitlines()]
    assert len(pods) >= 600
    allowed = {}
    for level in ("baseline", "restricted"):
        for version in ("v1.0", "v1.18", "v1.34"):
            labels = {f"{PREFIX}enforce": level, f"{PREFIX}enforce-version": version}
            engine = AdmissionEngine.of(EngineOptions())
            engine.load(
                {
                    "objects": [
                        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": labels}}
                    ]
                }
            )
            repeated = Repeated(engine)
            for pod in pods:
                body = _body(pod["spec"], "n", metadata=pod["metadata"])
                found = repeated.find(body)
                if found is None or (review := found.review()) is None:
                    continue  # of no shape that the quick way reads
                answer = engine.answer(review)["response"]
                assert answer == engine.answer(json.loads(body) | {"phase": "validating"})["response"]
                key = level, version, found.key
                assert allowed.setdefault(key, answer["allowed"]) == answer["allowed"]
    assert {True, False} == set(allowed.values())
    assert len(allowed) > 1000


@pytest.mark.parametrize(
    "response", [{"allowed": False}, {"allowed": True, "warnings": ["x"]}, {"allowed": True, "patch": "x"}]
)
def test_refusals_warnings_and_patches_are_not_remembered(response):
    repeated = _repeated()
    key = repeated.find(_body(GOOD)).key
    for _ in range(3):
        repeated.keep(key, response, "kept")
    assert repeated.find(_body(GOOD)).known is None


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "UPDATE"}, {"subResource": "status"}, {"resource": {"group": "x", "version": "v1", "resource": "pods"}},
        {"kind": {"group": "", "version": "v1", "kind": "Other"}}, {"object": None}, {"namespace": 3}, {"uid": ""},
    ],
)  # fmt: skip
def test_what_is_no_new_pod_goes_the_slow_way(change):
    assert _repeated().find(_body(GOOD, **change)) is None
    assert _repeated().find(b"{") is None


def test_nothing_is_remembered_where_more_than_the_pod_decides():
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "object.metadata.name != 'p-two'"}],
        },
    }  # fmt: skip
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"]},
    }  # fmt: skip
    handler = Admission().handlers([*WORLD, policy, binding])["/validate"]
    assert [_ask(handler, _body(GOOD, uid=uid))[0]["allowed"] for uid in ("one", "two", "one")] == [
        True,
        False,
        True,
    ]
    exempt = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "exemptions": {"usernames": ["root"]},
    }
    handler = Admission().handlers([*WORLD, exempt])["/validate"]
    bad = {"containers": [{"name": "a"}]}
    asked = [
        _ask(handler, _body(bad, userInfo={"username": name}))[0]["allowed"]
        for name in ("root", "kim", "root")
    ]
    assert asked == [True, False, True]


def test_the_last_of_two_keys_counts_both_ways():
    handler = Admission().handlers(WORLD)["/validate"]
    good, bad = json.dumps(GOOD), json.dumps({"containers": [{"name": "a"}]})
    for first, second, allowed in ((good, bad, False), (bad, good, True), (good, bad, False)):
        body = _body(GOOD).replace(b'"spec": ' + good.encode(), f'"spec": {first}, "spec": {second}'.encode())
        assert _ask(handler, body)[0]["allowed"] is allowed


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("pod-security.kubernetes.io/enforce-policy", "pod-security.kubernetes.io_enforce-policy"),
        ("validation.policy.admission.k8s.io/validation_failure", "validation.policy.admission.k8s.io_validation_failure"),
    ],
)  # fmt: skip
def test_keys_of_annotations_have_no_slash(key, shown):
    assert annotation_key(key) == shown


def test_long_keys_stay_names_and_stay_apart():
    first, second = (annotation_key(f"{letter}{'x' * 200}/key") for letter in "ab")
    assert first != second
    assert max(len(first), len(second)) <= 63
    assert first.endswith("_key")


HEAVY = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(a, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(b, object.data.all(c, object.data.all(d, a + b < 99))))"


@pytest.mark.parametrize(("failure", "allowed"), [("Fail", False), ("Ignore", True)])
def test_an_answer_comes_within_the_callers_time_as_the_policy_wants(failure, allowed):
    import time

    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "heavy"},
        "spec": {
            "failurePolicy": failure,
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
            "validations": [{"expression": f"{HEAVY} || {number} < 0"} for number in range(100)],
        },
    }  # fmt: skip
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"},
        "spec": {"policyName": "heavy", "validationActions": ["Deny"]},
    }  # fmt: skip
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {f"k{n}": "v" for n in range(15)},
    }
    request = {
        "uid": "u", "operation": "CREATE", "name": "c", "namespace": "open", "object": obj,
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "resource": {"group": "", "version": "v1", "resource": "configmaps"},
    }  # fmt: skip
    body = json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    ).encode()
    handler = Admission().handlers([*WORLD, policy, binding])["/validate"]
    began = time.monotonic()
    reply = handler(Call(body, b"/validate", seconds=0.4))
    passed = time.monotonic() - began
    response = json.loads(reply.body)["response"]
    assert response["allowed"] is allowed
    assert passed < 5  # all of it takes ten times as long as the caller waits, and more
    if not allowed:
        assert "running out of the caller's time" in response["status"]["message"]


def test_warnings_are_cut_only_where_all_are_too_long():
    few = {"warnings": ["w" * 3000, "x" * 1000]}
    assert for_webhook(few) == few
    many = for_webhook({"warnings": [f"{n:02}" + "w" * 3000 for n in range(20)]})["warnings"]
    assert [len(text) for text in many] == [256] * 16
    assert many[0].startswith("00")
    assert for_webhook({"warnings": ["\u00e9" * 4096]})["warnings"] == ["\u00e9" * 4096]
