"""Azure RBAC for AKS: the map (guard's own test cases), roles, conditions (Microsoft's examples), hidden grants."""

from __future__ import annotations

import pytest

from seawall.access.attributes import Attributes, User
from seawall.access.azure.actions import DataAction, Operation, Operations, map_request
from seawall.access.azure.cluster import AzureCluster, authorize_cluster
from seawall.access.azure.conditions import Condition, Facts, like
from seawall.access.azure.roles import (
    Assignment,
    AzureAccess,
    DenyAssignment,
    Permission,
    RoleDefinition,
    builtin_roles,
)
from seawall.access.world import build_world
from seawall.core.decision import Verdict
from seawall.core.errors import InputError

OID = "62103f2e-051d-48cc-af47-b1ff3deec630"
ENTRA = User("jane@contoso.com", (), "", (("oid", (OID,)),))
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
MAP = Operations(
    Operation(f"aks/{'' if group == '' else group + '/'}{resource}/{verb}", group, resource, verb, namespaced)
    for group, resource, namespaced, verbs in (
        ("apps", "deployments", True, ("read", "write", "delete")),
        ("", "persistentvolumes", False, ("read", "write", "delete")),
        ("", "pods", True, ("read", "write", "delete", "exec/action")),
    )
    for verb in verbs
)


def ask(verb, resource, group="", namespace=""):
    plain, _, below = resource.partition("/")
    return Attributes(ENTRA, verb, namespace, group, "v1", plain, below)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ask("escalate", "clusterroles/status", "rbac.authorization.k8s.io"),
         ["aks/rbac.authorization.k8s.io/clusterroles/escalate/action"]),
        (ask("update", "priorityclasses/status", "scheduling.k8s.io"),
         ["aks/scheduling.k8s.io/priorityclasses/write"]),
        (ask("deletecollection", "certificatesigningrequests/approvals", "certificates.k8s.io"),
         ["aks/certificates.k8s.io/certificatesigningrequests/delete"]),
        (ask("create", "pods/exec"), ["aks/pods/exec/action"]),
        (ask("approve", "signers", "certificates.k8s.io"), ["aks/certificates.k8s.io/signers"]),
        (ask("get", "*", "*", "kube-system"), ["aks/apps/deployments/read", "aks/pods/read"]),
        (ask("delete", "*"), ["aks/persistentvolumes/delete", "aks/pods/delete"]),
        (ask("*", "pods", "*"),
         ["aks/pods/delete", "aks/pods/exec/action", "aks/pods/read", "aks/pods/write"]),
    ],
)  # fmt: skip
def test_the_map_as_guard_tests_it(asked, expected):
    found = map_request(asked, MAP, "aks")
    assert sorted(action.id for action in found.actions) == expected


def test_custom_resources_go_by_group_and_plural():
    found = map_request(ask("*", "widgets", "contoso.io"), MAP, "aks", custom_resources=True)
    assert [action.id for action in found.actions] == [
        "aks/customresources/read",
        "aks/customresources/write",
        "aks/customresources/delete",
    ]
    assert set(found.actions[0].attributes.values()) == {"contoso.io", "widgets"}
    refused = map_request(
        ask("impersonate", "userextras/oid", "authentication.k8s.io"), MAP, custom_resources=True
    )
    assert refused.decision == "error"


@pytest.mark.parametrize(
    ("user", "path", "expected"),
    [
        (User("System:x", (), "", (("oid", (OID,)),)), "/x", "no-opinion"),
        (User("jane"), "/x", "no-opinion"),
        (ENTRA, "/APIextensions", "allow"),
        (ENTRA, "/metrics", "check"),
        (User("jane", (), "", (("oid", ("no-uuid",)),)), "/metrics", "error"),
    ],
)
def test_who_is_asked_about(user, path, expected):
    asked = Attributes(user, "get", path=path, is_resource=False)
    assert map_request(asked, MAP).decision == expected


@pytest.mark.parametrize(
    ("role", "asked", "expected"),
    [
        # The table of hidden grants (specs b7), computed there from guard's map and the built-in roles.
        ("Reader", ask("get", "pods/log"), True),
        ("Reader", ask("get", "pods/attach"), True),
        ("Reader", ask("get", "secrets"), False),
        ("Reader", ask("create", "serviceaccounts/token"), False),
        ("Writer", ask("create", "serviceaccounts/token"), True),
        ("Writer", ask("impersonate", "serviceaccounts"), True),
        ("Writer", ask("patch", "pods/ephemeralcontainers"), True),
        ("Writer", ask("get", "nodes/proxy"), False),
        ("Admin", ask("get", "nodes/proxy"), True),
        ("Admin", ask("impersonate", "users"), True),
        ("Admin", ask("create", "clusterrolebindings", "rbac.authorization.k8s.io"), True),
        ("Admin", ask("update", "resourcequotas"), False),
        ("Cluster Admin", ask("update", "resourcequotas"), True),
    ],
)  # fmt: skip
def test_hidden_grants_of_the_built_in_roles(role, asked, expected):
    wanted = f"Azure Kubernetes Service RBAC {role}"
    definition = next(each for each in builtin_roles().values() if each.name == wanted)
    access = AzureAccess([], [Assignment("a", definition.id, OID, "/subscriptions/s")])
    decision = authorize_cluster(build_world([]), AzureCluster(CLUSTER, access), asked)
    assert decision.allowed is expected


READ = Permission(data_actions=("Microsoft.ContainerService/managedClusters/*/read",))
NO_SECRETS = Permission(
    data_actions=("*",), not_data_actions=("Microsoft.ContainerService/managedClusters/secrets/*",)
)
SECRETS = DataAction("microsoft.containerservice/MANAGEDCLUSTERS/secrets/read")
ME = frozenset({OID})


def test_what_a_role_subtracts_another_role_may_give():
    roles = [RoleDefinition("r1", "no secrets", (NO_SECRETS,)), RoleDefinition("r2", "reader", (READ,))]
    one = AzureAccess(roles, [Assignment("a", "r1", OID, CLUSTER)])
    both = AzureAccess(roles, [Assignment("a", "r1", OID, CLUSTER), Assignment("b", "r2", OID, CLUSTER)])
    assert one.check(ME, SECRETS, CLUSTER).verdict is Verdict.DENY
    assert both.check(ME, SECRETS, CLUSTER).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("/", Verdict.ALLOW),
        ("/subscriptions/S", Verdict.ALLOW),
        (f"{CLUSTER}/namespaces/n", Verdict.ALLOW),
        (f"{CLUSTER}/namespaces/m", Verdict.DENY),
        ("/subscriptions/s/resourceGroups/g2", Verdict.DENY),
        ("/subscriptions/s/resourceGroups/gg", Verdict.DENY),
        ("/providers/Microsoft.Management/managementGroups/m", Verdict.UNKNOWN),
    ],
)
def test_scopes_hold_downwards(scope, expected):
    access = AzureAccess([RoleDefinition("r", "reader", (READ,))], [Assignment("a", "r", OID, scope)])
    assert access.check(ME, SECRETS, f"{CLUSTER}/namespaces/n").verdict is expected


def test_a_deny_assignment_comes_first_and_spares_whom_it_excludes():
    role = [RoleDefinition("r", "reader", (READ,))]
    given = [Assignment("a", "r", OID, CLUSTER)]
    everyone = ("00000000-0000-0000-0000-000000000000",)
    denial = DenyAssignment("d", (READ,), everyone, "/subscriptions/s")
    assert AzureAccess(role, given, [denial]).check(ME, SECRETS, CLUSTER).verdict is Verdict.DENY
    spared = DenyAssignment("d", (READ,), everyone, "/subscriptions/s", (OID,))
    assert AzureAccess(role, given, [spared]).check(ME, SECRETS, CLUSTER).verdict is Verdict.ALLOW
    above = DenyAssignment("d", (READ,), everyone, "/subscriptions/s", children=False)
    assert AzureAccess(role, given, [above]).check(ME, SECRETS, CLUSTER).verdict is Verdict.ALLOW


PREFIX = "Microsoft.ContainerService/managedClusters/customResources"
ABAC = (
    f"((!(ActionMatches{{'Microsoft.ContainerService/managedClusters/customresources/read'}})) OR "
    f"(@Request[{PREFIX}:group] StringEqualsIgnoreCase 'secrets-store.csi.x-k8s.io' AND "
    f"@Request[{PREFIX}:kind] ForAnyOfAnyValues:StringEquals {{'secretproviderclasses', 'x'}}))"
)


@pytest.mark.parametrize(
    ("action", "group", "expected"),
    [
        ("pods/read", "", True),
        ("customresources/read", "Secrets-Store.csi.x-k8s.io", True),
        ("customresources/read", "other.io", False),
    ],
)
def test_the_condition_of_the_documentation(action, group, expected):
    facts = Facts(
        f"Microsoft.ContainerService/managedClusters/{action}",
        {f"{PREFIX}:group": group, f"{PREFIX}:kind": "secretproviderclasses"},
    )
    assert Condition(ABAC).holds(facts) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Request[a] GuidEquals '62103F2E051d48ccaf47b1ff3deec630'", True),
        ("@Request[b] NumericGreaterThan '4'", True),
        ("@Request[missing] StringNotEquals 'x'", False),
        ("Exists @Request[a] AND NotExists @Request[missing]", True),
        ("@Principal[x] StringEquals 'y'", None),
        ("@Principal[x] StringEquals 'y' OR @Request[b] StringEquals '5'", True),
        ("@Request[c] ForAllOfAnyValues:StringLike {'d*', 'e'}", True),
    ],
)
def test_conditions_have_three_values(text, expected):
    assert Condition(text).holds(Facts("x", {"A": OID, "b": "5", "c": ["dd", "e"]})) is expected


@pytest.mark.parametrize(
    "text",
    ["", "(", "!" * 5000, "(" * 5000, "@Request[a] Fuzzy 'x'", "@Request[a] StringEquals {" + "{" * 5000],
)
def test_a_malformed_condition_is_an_error_and_not_a_crash(text):
    with pytest.raises(InputError):
        Condition(text)
    access = AzureAccess(
        [RoleDefinition("r", "reader", (READ,))], [Assignment("a", "r", OID, CLUSTER, text or " ")]
    )
    assert access.check(ME, SECRETS, CLUSTER).verdict is Verdict.UNKNOWN


def test_patterns_are_matched_in_linear_time():
    assert not like("a*" * 2000 + "b", "a" * 5000)
    assert like("a*/*b", "a/x/y/b")


@pytest.mark.parametrize(
    ("left", "operator", "right", "holds"),
    [
        ("2026-11-21T08:00:00Z", "DateTimeGreaterThan", "2026-11-21T08:00:00.0000000+01:00", True),
        ("2026-11-21T08:00:00Z", "DateTimeEquals", "2026-11-21T09:00:00+01:00", True),
        ("2026-11-21T08:00:00.5Z", "DateTimeLessThanEquals", "2026-11-21T08:00:00Z", False),
        ("2026-11-21", "DateTimeLessThan", "2026-11-22T00:00:00Z", True),
        ("soon", "DateTimeEquals", "soon", False),
        ("soon", "DateTimeNotEquals", "2026-11-21T08:00:00Z", True),
    ],
)
def test_times_are_compared_as_times(left, operator, right, holds):
    condition = Condition(f"@Request[x:at] {operator} '{right}'")
    assert condition.holds(Facts("a", {"x:at": left})) is holds
