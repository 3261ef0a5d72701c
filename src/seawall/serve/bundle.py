"""The authority's certificates written into webhook configurations, so that callers trust the server.

`clientConfig.caBundle` of every webhook, of ValidatingWebhookConfiguration, MutatingWebhookConfiguration and
of a CustomResourceDefinition's conversion (admissionregistration.k8s.io/v1, apiextensions.k8s.io/v1).
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import yaml

from seawall.core.errors import InputError, UsageError
from seawall.sources.yaml.documents import load_all

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}


def inject(document: Any, pem: bytes) -> int:
    """Write the bundle into a configuration (or a List of them), in place; return how many webhooks it changed."""
    if not isinstance(document, dict):
        return 0
    if isinstance(document.get("items"), list):
        return sum(inject(item, pem) for item in document["items"])
    coded = base64.b64encode(pem).decode()
    return sum(_set(config, coded) for config in _configs(document))


def _configs(document: dict[str, Any]) -> list[Any]:
    if document.get("kind") in _KINDS:
        webhooks = document.get("webhooks")
        return [
            hook.setdefault("clientConfig", {})
            for hook in (webhooks if isinstance(webhooks, list) else [])
            if isinstance(hook, dict)
        ]
    if document.get("kind") == "CustomResourceDefinition":
        node: Any = document
        for part in ("spec", "conversion", "webhook", "clientConfig"):
            node = node.get(part) if isinstance(node, dict) else None
        return [node] if isinstance(node, dict) else []
    return []


def _set(config: Any, coded: str) -> int:
    if not isinstance(config, dict) or config.get("caBundle") == coded:
        return 0
    config["caBundle"] = coded
    return 1


def inject_file(path: Path, pem: bytes) -> int:
    """Write the bundle into a file of configurations, whole or not at all; return how many webhooks changed.

    Raises:
        InputError: the file cannot be read, or holds no webhook.
        UsageError: it cannot be written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    documents = [document for document in load_all(data, str(path)) if document is not None]
    if not any(_all_configs(document) for document in documents):
        raise InputError(
            f"{path}: no webhook is configured in it", hint="give a ValidatingWebhookConfiguration"
        )
    changed = sum(inject(document, pem) for document in documents)
    if not changed:
        return 0
    text = yaml.safe_dump_all(documents, sort_keys=False, width=1 << 20, allow_unicode=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise UsageError(
            f"{path}: {error.strerror}", hint="--webhook-config needs a file it can write"
        ) from None
    return changed


def _all_configs(document: Any) -> list[Any]:
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        return [config for item in document["items"] for config in _all_configs(item)]
    return _configs(document) if isinstance(document, dict) else []


__all__ = ["inject", "inject_file"]
