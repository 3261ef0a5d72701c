"""Our webhooks in the real API server 1.34: kubectl as the user, tokens and decisions from us (lab.md b5, b6)."""

from __future__ import annotations

import json
import time

import pytest

from seawall.access.tokens.entra import AKS_SERVER
from support.issuer import SigningKey
from support.serving import Served

pytestmark = pytest.mark.live

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
READER, WRITER = "7f6c6a51-bcf8-42ba-9220-52d62157d7db", "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb"
CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/"
    "Microsoft.ContainerService/managedClusters/lab"
)
ANN, BOB = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
TEAM = "33333333-3333-3333-3333-333333333333"


def assignment(name, role, principal, scope):
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": principal,
            "scope": scope,
        },
    }


def kubeconfig(served, path):
    cluster = {
        "server": f"https://127.0.0.1:{served.port}{path}",
        "certificate-authority": str(served.own / "ca.crt"),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
            "users": [{"name": "c", "user": {}}],
            "current-context": "c",
        }
    )


@pytest.fixture(scope="module")
def entra_cluster(cluster_factory, tmp_path_factory):
    """A cluster whose tokens and Azure rights are ours: authentication and, behind RBAC, authorization."""
    folder = tmp_path_factory.mktemp("serve")
    key = SigningKey("entra", "RS256")
    (folder / "jwks.json").write_text(json.dumps({"keys": [key.jwk()]}))
    (folder / "groups.json").write_text(json.dumps({"value": [{"id": TEAM, "members": [{"id": BOB}]}]}))
    azure = folder / "azure"
    azure.mkdir()
    rows = [
        assignment("ann", READER, ANN, CLUSTER),
        assignment("team", WRITER, TEAM, f"{CLUSTER}/namespaces/blue"),
    ]
    (azure / "rows.json").write_text(json.dumps(rows))
    groups = ["--entra-groups", str(folder / "groups.json")]
    authorization = ["--snapshot", str(azure), "--cluster", CLUSTER, *groups]
    authentication = ["--entra-tenant", TENANT, *groups]
    authentication += [
        "--jwks",
        f"https://sts.windows.net/{TENANT}/={folder / 'jwks.json'}",
    ]
    with (
        Served(folder / "z", "authorization", *authorization, "--decision-log", str(folder / "z.jsonl")) as z,
        Served(
            folder / "n", "authentication", *authentication, "--decision-log", str(folder / "n.jsonl")
        ) as n,
    ):

        def chain(where):
            webhook = {
                "timeout": "3s",
                "subjectAccessReviewVersion": "v1",
                "matchConditionSubjectAccessReviewVersion": "v1",
                "authorizedTTL": "1ms",
                "unauthorizedTTL": "1ms",
                "failurePolicy": "NoOpinion",
                "connectionInfo": {
                    "type": "KubeConfigFile",
                    "kubeConfigFile": str(where / "authz.kubeconfig"),
                },
                "matchConditions": [{"expression": "!request.user.startsWith('system:')"}],
            }
            return {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "AuthorizationConfiguration",
                "authorizers": [
                    {"type": "Node", "name": "node"},
                    {"type": "RBAC", "name": "rbac"},
                    {"type": "Webhook", "name": "azure", "webhook": webhook},
                ],
            }

        cluster = cluster_factory(
            authorization_config=chain,
            files={
                "authz.kubeconfig": kubeconfig(z, "/authorize"),
                "authn.kubeconfig": kubeconfig(n, "/authenticate"),
            },
            flags=(
                "--authentication-token-webhook-config-file=authn.kubeconfig",
                "--authentication-token-webhook-version=v1",
                "--authentication-token-webhook-cache-ttl=1s",
            ),
        )
        for name in ("blue", "red"):
            cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        yield cluster, key, z, n, folder


def token(key, oid, **more):
    claims = {
        "iss": f"https://sts.windows.net/{TENANT}/",
        "aud": AKS_SERVER,
        "exp": time.time() + 600,
        "oid": oid,
    }
    return key.sign(claims | more)


def kubectl(cluster, bearer, *arguments):
    return cluster.kubectl(*arguments, kubeconfig=cluster.kubeconfig_for(token=bearer), check=False)


def test_kubectl_as_an_entra_user_with_a_role_on_the_cluster(entra_cluster):
    cluster, key, _, _, folder = entra_cluster
    bearer = token(key, ANN, upn="ann@contoso.com", groups=[])
    who = kubectl(cluster, bearer, "auth", "whoami", "-o", "json")
    user = json.loads(who.stdout)["status"]["userInfo"]
    assert (user["username"], user["extra"]) == ("ann@contoso.com", {"oid": [ANN]})
    assert kubectl(cluster, bearer, "get", "configmaps", "-n", "red").returncode == 0
    refused = kubectl(cluster, bearer, "create", "configmap", "c", "-n", "red")
    assert refused.returncode == 1
    assert 'User "ann@contoso.com" cannot create resource "configmaps"' in refused.stderr
    assert "no role assignment gives" in refused.stderr
    # The Reader role of Azure leaves secrets out.
    assert kubectl(cluster, bearer, "get", "secrets", "-n", "red").returncode == 1
    lines = [json.loads(line) for line in (folder / "z.jsonl").read_text().splitlines()]
    assert {line["spec"]["user"] for line in lines} == {"ann@contoso.com"}
    assert bearer not in (folder / "n.jsonl").read_text()


def test_a_member_of_a_group_in_one_namespace(entra_cluster):
    """The token holds no groups (overage): the directory has them."""
    cluster, key, _, _, _ = entra_cluster
    bearer = token(
        key,
        BOB,
        _claim_names={"groups": "src1"},
        _claim_sources={"src1": {"endpoint": "https://graph.example/"}},
    )
    assert kubectl(cluster, bearer, "create", "configmap", "mine", "-n", "blue").returncode == 0
    assert kubectl(cluster, bearer, "create", "configmap", "mine", "-n", "red").returncode == 1
    can = kubectl(cluster, bearer, "auth", "can-i", "create", "deployments.apps", "-n", "blue")
    assert can.stdout.strip() == "yes"


def test_a_token_that_proves_nobody_is_401(entra_cluster):
    cluster, key, _, _, _ = entra_cluster
    for bad in (
        token(key, ANN, exp=5),
        token(SigningKey("entra", "RS256"), ANN),
        token(key, ANN, aud="x"),
        "opaque",
    ):
        answer = kubectl(cluster, bad, "get", "pods", "-n", "blue")
        assert answer.returncode == 1
        assert "Unauthorized" in answer.stderr or "must be logged in" in answer.stderr


def test_rbac_users_cost_no_call_and_new_assignments_are_taken_up(entra_cluster):
    cluster, key, z, _, folder = entra_cluster
    before = len((folder / "z.jsonl").read_text().splitlines())
    assert cluster.request("GET", "/api/v1/namespaces/red/pods", user="system:kube-scheduler")[0] == 200
    assert len((folder / "z.jsonl").read_text().splitlines()) == before
    bearer = token(key, "44444444-4444-4444-4444-444444444444")
    assert kubectl(cluster, bearer, "get", "pods", "-n", "red").returncode == 1
    rows = json.loads((folder / "azure/rows.json").read_text())
    rows.append(
        assignment("new", READER, "44444444-4444-4444-4444-444444444444", f"{CLUSTER}/namespaces/red")
    )
    scratch = folder / "rows.new"
    scratch.write_text(json.dumps(rows))
    scratch.replace(folder / "azure/rows.json")
    z.wait("world-loaded")
    assert kubectl(cluster, bearer, "get", "pods", "-n", "red").returncode == 0
    assert kubectl(cluster, bearer, "get", "pods", "-n", "blue").returncode == 1


def test_a_dead_webhook_stops_nobody_that_rbac_allows(entra_cluster):
    cluster, key, z, _, _ = entra_cluster
    z.process.kill()
    z.process.wait()
    assert cluster.request("GET", "/api/v1/namespaces/red/pods", user="system:kube-scheduler")[0] == 200
    answer = kubectl(cluster, token(key, ANN, upn="ann@contoso.com"), "get", "pods", "-n", "red")
    # An authorizer that fails and has no opinion is still an error where nobody allows (lab.md b6).
    assert answer.returncode == 1
    assert "InternalError" in answer.stderr or "an error on the server" in answer.stderr
