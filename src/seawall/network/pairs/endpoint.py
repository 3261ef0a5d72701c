"""Ends of connections as they were read, and what the policies look at in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.network.expressions import ACCOUNT, ACCOUNT_KEY, HAS, IN
from seawall.network.expressions import POD as POD_LABEL
from seawall.network.model import Pod, read_pod

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.network.expressions import Term
    from seawall.network.model import Address, Selector

POD, HOST, NODE, EXTERNAL = "pod", "host", "node", "external"


class Vocabulary:
    """What the policies look at: label keys with the values they name, blocks, port names."""

    def __init__(
        self, selectors: Iterable[Selector], port_names: Iterable[str], terms: Iterable[Term] = ()
    ) -> None:
        self.values: dict[str, set[str]] = {}
        # Keys whose values are looked into (contains, starts with, ends with): their values are kept as they are.
        self.whole: set[str] = set()
        self.accounts = False
        for selector in selectors:
            for key, value in selector.labels:
                self.values.setdefault(key, set()).add(value)
            for key, _, values in selector.expressions:
                self.values.setdefault(key, set()).update(values)
        for term in terms:
            if term.source == POD_LABEL:
                self.values.setdefault(term.key, set()).update(term.values)
                if term.operator not in {IN, HAS}:
                    self.whole.add(term.key)
            elif term.source in {ACCOUNT, ACCOUNT_KEY}:
                self.accounts = True
        self.port_names = frozenset(port_names)
        self._seen = _Seen(self.values, self.whole)

    def knows(self, term: Term) -> bool:
        """Tell whether groups made by this vocabulary can answer a term."""
        if term.source == POD_LABEL:
            known = self.values.get(term.key)
            if known is None or not known.issuperset(term.values):
                return False
            return term.operator in {IN, HAS} or term.key in self.whole
        return self.accounts or term.source not in {ACCOUNT, ACCOUNT_KEY}

    def reduce(self, labels: Iterable[tuple[Any, Any]]) -> frozenset[tuple[str, str | None]]:
        """Keep of labels what a selector could see; a value that none names is None."""
        return frozenset(filter(None, map(self._seen.__getitem__, labels)))


class _Seen(dict[tuple[Any, Any], "tuple[str, str | None] | None"]):
    """A label -> what selectors see of it, None where no selector looks at the key; filled as labels come."""

    def __init__(self, values: dict[str, set[str]], whole: set[str]) -> None:
        super().__init__()
        self._values = values
        self._whole = whole

    def __missing__(self, label: tuple[Any, Any]) -> tuple[str, str | None] | None:
        key, value = str(label[0]), str(label[1])
        known = self._values.get(key)
        found = None if known is None else (key, value if value in known or key in self._whole else None)
        self[label] = found
        return found


class Endpoint:
    """One end that a question may name; `raw` is what was read, None for addresses."""

    __slots__ = ("address", "kind", "raw", "span", "template")

    def __init__(
        self,
        kind: str,
        raw: dict[str, Any] | None = None,
        template: dict[str, Any] | None = None,
        address: Address | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        self.kind = kind
        self.raw = raw
        self.template = template
        self.address = address
        self.span = span

    def pod(self) -> Pod | None:
        """Return the pod, read whole; None for an address."""
        return None if self.raw is None or self.kind == NODE else read_pod(self.raw, self.template)


def texts_of(status: dict[str, Any], host: bool) -> tuple[str, str]:
    """Return a pod's IPv4 and IPv6 address as texts, empty where it has none."""
    several = status.get("hostIPs" if host else "podIPs")
    texts = [item.get("ip") for item in several if isinstance(item, dict)] if several else ()
    if not texts or not any(texts):
        text = status.get("hostIP" if host else "podIP")
        if not text:
            return "", ""
        if not isinstance(text, str):
            raise TypeError(f"an address is a text, not {type(text).__name__}")
        return ("", text) if ":" in text else (text, "")
    four = six = ""
    for text in texts:
        if text:
            if not isinstance(text, str):
                raise TypeError(f"an address is a text, not {type(text).__name__}")
            if ":" in text:
                six = six or text
            else:
                four = four or text
    return four, six
