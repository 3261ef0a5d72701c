"""caBundle in webhook configurations (admissionregistration.k8s.io/v1 WebhookClientConfig)."""

from __future__ import annotations

import base64

import pytest
import yaml

from seawall.core.errors import InputError
from seawall.serve.bundle import inject, inject_file

PEM = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
CODED = base64.b64encode(PEM).decode()
HOOKS = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "seawall"},
    "webhooks": [{"name": "a", "clientConfig": {"url": "https://x"}}, {"name": "b", "clientConfig": {"caBundle": "old"}}],
}  # fmt: skip


def _copy(value):
    return yaml.safe_load(yaml.safe_dump(value))


def test_every_webhook_gets_the_bundle_once():
    document = _copy(HOOKS)
    assert inject(document, PEM) == 2
    assert [hook["clientConfig"]["caBundle"] for hook in document["webhooks"]] == [CODED, CODED]
    assert inject(document, PEM) == 0


def test_lists_and_conversions_too_and_nothing_else():
    conversion = {
        "kind": "CustomResourceDefinition",
        "spec": {"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {}}}},
    }
    documents = {
        "kind": "List",
        "items": [_copy(HOOKS), conversion, {"kind": "ConfigMap", "webhooks": [{}]}, None],
    }
    assert inject(documents, PEM) == 3
    assert "clientConfig" not in str(documents["items"][2])


def test_a_file_keeps_its_documents(tmp_path):
    path = tmp_path / "hooks.yaml"
    path.write_text("# a note\n" + yaml.safe_dump_all([HOOKS, {"kind": "ConfigMap", "data": {"a": "yes"}}]))
    assert inject_file(path, PEM) == 2
    first, second = yaml.safe_load_all(path.read_text())
    assert first["webhooks"][0]["clientConfig"] == {"url": "https://x", "caBundle": CODED}
    assert second == {"kind": "ConfigMap", "data": {"a": "yes"}}
    before = path.stat().st_mtime_ns
    assert inject_file(path, PEM) == 0
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "text", ["kind: ConfigMap\n", "", "[1]\n", "kind: ValidatingWebhookConfiguration\nwebhooks: 1\n"]
)
def test_a_file_without_webhooks_is_said(tmp_path, text):
    path = tmp_path / "hooks.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="no webhook"):
        inject_file(path, PEM)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        inject_file(tmp_path / "absent.yaml", PEM)
