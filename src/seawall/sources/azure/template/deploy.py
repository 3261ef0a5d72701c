"""The resources of a template: loops, conditions, children, nested deployments, each with its way back to the file.

What cannot be known before the deployment (a parameter without a default, `reference()`, the resource group) is
left out of the row and listed in `unknown`. Ids stand below a subscription and a group in braces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from seawall.core.errors import InputError
from seawall.snapshot.model import AzureResource, Origin, Unread
from seawall.snapshot.model import Path as Steps
from seawall.snapshot.paths import dotted
from seawall.sources.azure.casing import fold_path
from seawall.sources.azure.found import Found
from seawall.sources.azure.normal import PLACEHOLDER, normalise
from seawall.sources.azure.template.expressions import UNKNOWN, ExpressionError, is_expression
from seawall.sources.azure.template.scope import Budget, TemplateScope
from seawall.sources.walk import read_bytes
from seawall.sources.yaml import load_all

_DEPLOYMENTS: Final = "microsoft.resources/deployments"
_MAX_NESTING: Final = 10
_MAX_COPIES: Final = 800
_MAX_RESOURCES: Final = 10_000
_ENGINE: Final = frozenset(
    {"dependson", "condition", "comments", "copy", "resources", "scope", "existing", "import"}
)


def read_template(template: dict[str, Any], origin: Origin) -> Found:
    """Read the resources of one template, with the parameters of `NAME.parameters.json` beside it, if there."""
    budget = Budget()
    unread: list[Unread] = []
    given = _parameters_beside(origin.file) if not origin.path else {}
    scope = TemplateScope(template, given, budget)
    deployment = _Deployment(template, scope, origin, unread=unread, found=[])
    try:
        deployment.run()
    except ExpressionError as error:
        unread.append(Unread(origin.file, str(error)))
    resources = tuple(deployment.found)
    reason = "" if resources or unread else "an ARM template without resources"
    return Found(resources, tuple(unread), reason)


def _parameters_beside(file: str) -> dict[str, Any]:
    if not file.endswith(".json"):
        return {}
    path = file[: -len(".json")] + ".parameters.json"
    if not Path(path).is_file():
        return {}
    try:
        values = load_all(read_bytes(path), path)
    except (InputError, OSError, ValueError):
        return {}  # it is read, and reported, as a file of its own
    document = values[0] if values and isinstance(values[0], dict) else {}
    return _arguments(document.get("parameters"))


def _arguments(parameters: Any) -> dict[str, Any]:
    """Return the values of a parameter file; one that comes out of a Key Vault is not known."""
    found: dict[str, Any] = {}
    for name, part in parameters.items() if isinstance(parameters, dict) else ():
        if isinstance(part, dict) and "value" in part:
            found[name] = part["value"]
        elif isinstance(part, dict) and "reference" in part:
            found[name] = UNKNOWN
    return found


class _Deployment:
    """One template at work; nested ones make their own and add to the same list."""

    def __init__(
        self,
        template: dict[str, Any],
        scope: TemplateScope,
        origin: Origin,
        *,
        at: Steps = (),
        unread: list[Unread],
        found: list[AzureResource],
        depth: int = 0,
    ) -> None:
        self.template = template
        self.scope = scope
        self.origin = origin
        self.at = at
        self.unread = unread
        self.found = found
        self.depth = depth
        self._nested: dict[str, _Deployment | None] = {}
        self._symbols: dict[str, tuple[str, str, str]] = {}

    def run(self) -> None:
        """Read all resources."""
        entries = self._entries()
        if self.scope.outputs is None:  # an outer-scope nested deployment shares its parent's
            self.scope.outputs = self.outputs_of
            self.scope.symbols = self._symbols.get
            self._register(entries)
        for _, body, at in entries:
            self._loop(body, at, None)

    def _entries(self) -> list[tuple[str, dict[str, Any], Steps]]:
        resources = self.template.get("resources")
        at = (*self.at, "resources")
        if isinstance(resources, dict):  # languageVersion 2.0: symbolic names
            pairs = [(name, body, (*at, name)) for name, body in resources.items()]
        elif isinstance(resources, list):
            pairs = [("", body, (*at, index)) for index, body in enumerate(resources)]
        else:
            pairs = []
        return [(name, body, place) for name, body, place in pairs if isinstance(body, dict)]

    def _register(self, entries: list[tuple[str, dict[str, Any], Steps]]) -> None:
        """Note names that other resources refer to, before any of them is evaluated."""
        for symbol, body, at in entries:
            kind = str(body.get("type") or "")
            if kind.lower() == _DEPLOYMENTS and "copy" not in body:
                nested = self._nested_deployment(body, at)
                name = self.scope.value(body.get("name"))
                for key in (symbol, name):
                    if isinstance(key, str) and key:
                        self._nested[key.lower()] = nested
            elif symbol and "copy" not in body:
                name = self.scope.value(body.get("name"))
                if isinstance(name, str):
                    self._symbols[symbol] = (_id(kind, name, ""), name, kind)

    def outputs_of(self, name: str) -> Any:
        """Return the outputs of a nested deployment, by its name or symbol; None when there is no such."""
        nested = self._nested.get(name.lower())
        if nested is None:
            return None
        outputs = nested.template.get("outputs")
        found: dict[str, Any] = {}
        for key, part in outputs.items() if isinstance(outputs, dict) else ():
            secure = isinstance(part, dict) and str(part.get("type", "")).lower().startswith("secure")
            known = isinstance(part, dict) and "value" in part and not secure
            found[key] = {"value": nested.scope.value(part["value"]) if known else UNKNOWN}
        return found

    def _nested_deployment(self, body: dict[str, Any], at: Steps) -> _Deployment | None:
        properties = body.get("properties")
        inner = properties.get("template") if isinstance(properties, dict) else None
        if not isinstance(properties, dict) or not isinstance(inner, dict):
            return None
        options = properties.get("expressionEvaluationOptions")
        own = isinstance(options, dict) and str(options.get("scope", "")).lower() == "inner"
        if own:
            given = {
                name: self.scope.value(value)
                for name, value in _arguments(properties.get("parameters")).items()
            }
            scope = TemplateScope(inner, given, self.scope.budget, depth=self.depth + 1)
        else:
            scope = self.scope
        place = (*at, "properties", "template")
        return _Deployment(
            inner, scope, self.origin, at=place, unread=self.unread, found=self.found, depth=self.depth + 1
        )

    def _loop(self, body: dict[str, Any], at: Steps, parent: tuple[str, str, str] | None) -> None:
        loop = body.get("copy")
        if not isinstance(loop, dict):
            self._resource(body, at, parent)
            return
        name = str(loop.get("name") or "")
        count = self.scope.value(loop.get("count"))
        if not isinstance(count, int) or isinstance(count, bool):
            self._resource(body, at, parent)  # one stands for those whose number is not known
            return
        if count > _MAX_COPIES:
            raise ExpressionError(f"a copy loop of {count} turns; ARM allows {_MAX_COPIES}")
        for index in range(count):
            self.scope.at(name, index, lambda: self._resource(body, at, parent))

    def _resource(self, body: dict[str, Any], at: Steps, parent: tuple[str, str, str] | None) -> None:
        if body.get("existing") is True:
            return
        if self.scope.value(body.get("condition", True)) is False:
            return
        kind = str(self.scope.value(body.get("type") or ""))
        if kind.lower() == _DEPLOYMENTS:
            self._nest(body, at)
            return
        if len(self.found) >= _MAX_RESOURCES:
            raise ExpressionError(f"a template of more than {_MAX_RESOURCES} resources")
        written = {key: part for key, part in body.items() if key.lower() not in _ENGINE}
        value = self.scope.value(written)
        unknown: set[str] = set()
        known = _without_unknown(value, (), unknown)
        name = known.get("name")
        if not isinstance(name, str):
            name = str(body.get("name") or "")
        if parent is not None:
            if not kind.lower().startswith(parent[2].lower() + "/"):
                kind = f"{parent[2]}/{kind}"
            if name.count("/") < kind.count("/") - 1:
                name = f"{parent[1]}/{name}"
        extension = self._extension(body, kind, name)
        if extension is not None:
            kind, name, identity = extension
        else:
            identity = _id(kind, name, "")
        known |= {"id": identity, "type": kind, "name": name}
        place = Origin(self.origin.file, self.origin.document, (*self.origin.path, *at))
        paths = frozenset(fold_path(path, kind.lower()) for path in unknown) | {
            "subscriptionId",
            "resourceGroup",
        }
        resource = normalise(known, place, "template", unknown=paths)
        resource.row["name"] = name.rpartition("/")[2] if not is_expression(name) else name
        self.found.append(resource)
        self._children(body, at, (identity, name, kind))

    def _children(self, body: dict[str, Any], at: Steps, parent: tuple[str, str, str]) -> None:
        children = body.get("resources")
        if isinstance(children, dict):
            pairs: list[tuple[str | int, Any]] = list(children.items())
        elif isinstance(children, list):
            pairs = list(enumerate(children))
        else:
            return
        for key, child in pairs:
            if isinstance(child, dict):
                if str(child.get("type", "")).lower() == _DEPLOYMENTS:
                    self._nest(child, (*at, "resources", key))
                else:
                    self._loop(child, (*at, "resources", key), parent)

    def _extension(self, body: dict[str, Any], kind: str, name: str) -> tuple[str, str, str] | None:
        """Recognise a resource on another one: `scope`, or `TYPE/providers/diagnosticSettings` as its type."""
        host, found, own = kind.partition("/providers/")
        if found:
            # Microsoft.ContainerService/managedClusters/providers/diagnosticSettings, cluster/Microsoft.Insights/name
            parts = name.split("/")
            count = host.count("/")
            if len(parts) < count + 2:
                return None
            host_id = _id(host, "/".join(parts[:count]), "")
            provider = parts[count]
            own_kind = own if "/" in own else f"{provider}/{own}"
            own_name = "/".join(parts[count + 1 :])
            return own_kind, own_name, _id(own_kind, own_name, host_id)
        scope = self.scope.value(body.get("scope")) if "scope" in body else None
        if isinstance(scope, str) and "/" in scope:
            if not scope.startswith("/"):
                provider, *rest = scope.split("/")
                types, names = rest[:1], rest[1:]
                # A relative scope alternates: Microsoft.X/type/name[/type/name].
                if len(rest) % 2:
                    return None
                del types, names
                scope = f"{PLACEHOLDER}/providers/{scope}"
            return kind, name, _id(kind, name, scope)
        return None

    def _nest(self, body: dict[str, Any], at: Steps) -> None:
        if self.depth >= _MAX_NESTING:
            self.unread.append(
                Unread(self.origin.file, f"deployments nested more than {_MAX_NESTING} levels deep")
            )
            return
        loop = body.get("copy")
        turns = [0]
        name = ""
        if isinstance(loop, dict):
            name = str(loop.get("name") or "")
            count = self.scope.value(loop.get("count"))
            turns = list(range(min(count, _MAX_COPIES))) if isinstance(count, int) else [0]
        for turn in turns:
            self.scope.at(name, turn, lambda: self._nest_one(body, at))

    def _nest_one(self, body: dict[str, Any], at: Steps) -> None:
        if self.scope.value(body.get("condition", True)) is False:
            return
        nested = self._nested_deployment(body, at)
        if nested is not None:
            nested.run()
            return
        properties = body.get("properties")
        link = properties.get("templateLink") if isinstance(properties, dict) else None
        if isinstance(link, dict):
            target = link.get("relativePath") or link.get("uri") or link.get("id") or "somewhere else"
            self.unread.append(
                Unread(self.origin.file, f"a linked template is not read: {str(target)[:200]}")
            )


def _id(kind: str, name: str, scope: str) -> str:
    """Build the id of a resource of a template."""
    provider, _, types = kind.partition("/")
    words = types.split("/")
    names = [name] if is_expression(name) else name.split("/")
    if len(words) != len(names):
        # A name that is not known stands as it is written, for all its parts.
        return f"{scope or PLACEHOLDER}/providers/{kind}/{name}"
    path = "/".join(part for pair in zip(words, names, strict=True) for part in pair)
    return f"{scope or PLACEHOLDER}/providers/{provider}/{path}"


def _without_unknown(value: Any, at: Steps, unknown: set[str]) -> Any:
    """Leave unknown values out of maps (None in lists), and collect their paths."""
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for key, part in value.items():
            if part is UNKNOWN:
                unknown.add(dotted((*at, key)))
            else:
                kept[key] = _without_unknown(part, (*at, key), unknown)
        return kept
    if isinstance(value, list):
        parts: list[Any] = []
        for index, part in enumerate(value):
            if part is UNKNOWN:
                unknown.add(dotted((*at, index)))
                parts.append(None)
            else:
                parts.append(_without_unknown(part, (*at, index), unknown))
        return parts
    return value
