"""What an expression can see: parameters, variables, loop indexes, user functions, and the deployments around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from seawall.sources.azure.normal import PLACEHOLDER
from seawall.sources.azure.template.expressions import (
    UNKNOWN,
    Call,
    ExpressionError,
    Literal,
    evaluate,
    is_expression,
    parse,
)
from seawall.sources.azure.template.functions import PURE

if TYPE_CHECKING:
    from collections.abc import Callable

_SECURE: Final = frozenset({"securestring", "secureobject"})
_MAX_COPIES: Final = 800
_MAX_STEPS: Final = 2_000_000


class Budget:
    """Counts evaluations over a whole template, so that loops in loops come to an end."""

    def __init__(self) -> None:
        self.left = _MAX_STEPS

    def spend(self, count: int = 1) -> None:
        """Count evaluations, or parts of a value that is made or looked through.

        Raises:
            ExpressionError: the template asks for too much.
        """
        self.left -= count
        if self.left < 0:
            raise ExpressionError("the template asks for more than two million evaluations")

    def has_unknown(self, value: Any) -> bool:
        """Look through a value for what is not known, and pay for every part of it.

        Values share their parts, so that a few lines can stand for billions: whoever takes one in pays first.
        """
        stack = [value]
        found = False
        while stack:
            part = stack.pop()
            if part is UNKNOWN:
                found = True
            elif isinstance(part, dict):
                self.spend(len(part) + 1)
                stack.extend(part.values())
            elif isinstance(part, list):
                self.spend(len(part) + 1)
                stack.extend(part)
        return found


class TemplateScope:
    """The scope of one template (or of one user function)."""

    def __init__(
        self,
        template: dict[str, Any],
        given: dict[str, Any],
        budget: Budget,
        *,
        depth: int = 0,
    ) -> None:
        self.budget = budget
        self.depth = depth
        self._parameters = _folded(template.get("parameters"))
        self._variables = _folded(template.get("variables"))
        self._functions = _functions(template.get("functions"))
        self._given = {key.lower(): value for key, value in given.items()}
        self._known: dict[tuple[str, str], Any] = {}
        self._open: set[tuple[str, str]] = set()
        self._loops: list[dict[str, int]] = []
        self._lambdas: list[dict[str, Any]] = []
        self.outputs: Callable[[str], Any] | None = None
        self.symbols: Callable[[str], tuple[str, str, str] | None] | None = None
        """Symbolic name -> id, name, type."""

    # --- values

    def value(self, value: Any) -> Any:
        """Evaluate a JSON value of the template: expressions inside of it, and loops over properties."""
        self.budget.spend()
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(part) for part in value]
        if isinstance(value, dict):
            result: dict[str, Any] = {}
            for key, part in value.items():
                if key == "copy" and isinstance(part, list) and all(isinstance(loop, dict) for loop in part):
                    for loop in part:
                        name = str(loop.get("name"))
                        result[name] = self.copies(loop.get("count"), name, loop.get("input"))
                else:
                    result[str(self.text(key)) if is_expression(key) else key] = self.value(part)
            return result
        return value

    def text(self, text: str) -> Any:
        """Evaluate a text: an expression, an escaped bracket, or itself."""
        if is_expression(text):
            try:
                result = evaluate(parse(text[1:-1]), self)
            except RecursionError:
                return UNKNOWN
            except ExpressionError:
                if self.budget.left < 0:
                    raise
                return UNKNOWN
            self.budget.has_unknown(result)
            return result
        if text.startswith("[["):
            return text[1:]
        return text

    def copies(self, count: Any, name: str, item: Any) -> Any:
        """Evaluate a loop over a property or a variable; unknown when its count is."""
        number = self.value(count)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MAX_COPIES:
            return UNKNOWN
        return [self.at(name, index, lambda: self.value(item)) for index in range(number)]

    def at(self, name: str, index: int, work: Callable[[], Any]) -> Any:
        """Do something with a loop at one of its turns."""
        self._loops.append({name.lower(): index, "": index})
        try:
            return work()
        finally:
            self._loops.pop()

    # --- functions

    def call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Evaluate one function; see `expressions.Scope`."""
        self.budget.spend()
        special = getattr(self, f"_do_{name}", None)
        if special is not None:
            return special(arguments)
        if "." in name:
            return self._user_function(name, arguments)
        function = PURE.get(name)
        values = [evaluate(argument, self) for argument in arguments]
        if function is None or self.budget.has_unknown(values):
            return self._partly_known(name, values)
        try:
            result = function(*values)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
            return UNKNOWN
        if isinstance(result, int) and not -(2**63) <= result < 2**63:
            return UNKNOWN  # ARM's integers have 64 bits
        if isinstance(result, (list, str)):
            self.budget.spend(len(result) // 8)
        return result

    def _partly_known(self, name: str, values: list[Any]) -> Any:
        """Return what is known although a part is not: the shape of lists and maps that hold unknown values."""
        if name in {
            "createarray",
            "createobject",
            "union",
            "concat",
            "array",
            "shallowmerge",
            "flatten",
        } and not any(value is UNKNOWN for value in values):
            try:
                if name != "concat" or all(isinstance(value, list) for value in values):
                    return PURE[name](*values)
            except (AttributeError, LookupError, TypeError, ValueError):
                return UNKNOWN
        if name == "createarray":
            return values
        if name == "createobject" and not any(self.budget.has_unknown(key) for key in values[::2]):
            return PURE[name](*values)
        if (
            name in {"length", "empty", "first", "last", "contains", "skip", "take"}
            and values
            and values[0] is not UNKNOWN
        ):
            if any(value is UNKNOWN for value in values[1:]) or (
                name == "contains" and isinstance(values[0], list)
            ):
                return UNKNOWN
            try:
                return PURE[name](*values)
            except (AttributeError, LookupError, TypeError, ValueError):
                return UNKNOWN
        return UNKNOWN

    def _one_text(self, arguments: tuple[Any, ...]) -> str | None:
        value = evaluate(arguments[0], self) if arguments else None
        return value if isinstance(value, str) else None

    def _do_parameters(self, arguments: tuple[Any, ...]) -> Any:
        name = self._one_text(arguments)
        return UNKNOWN if name is None else self._lazy("parameter", name.lower(), self._parameter)

    def _parameter(self, name: str) -> Any:
        declared = self._parameters.get(name)
        if isinstance(declared, dict) and str(declared.get("type", "")).lower() in _SECURE:
            return UNKNOWN  # a secret is never carried into a report
        if name in self._given:
            return self._given[name]
        if isinstance(declared, dict):
            if "defaultValue" in declared:
                return self.value(declared["defaultValue"])
            if declared.get("nullable") is True:
                return None
        return UNKNOWN

    def _do_variables(self, arguments: tuple[Any, ...]) -> Any:
        name = self._one_text(arguments)
        return UNKNOWN if name is None else self._lazy("variable", name.lower(), self._variable)

    def _variable(self, name: str) -> Any:
        if name in self._variables:
            return self.value(self._variables[name])
        loops = self._variables.get("copy")
        for loop in loops if isinstance(loops, list) else ():
            if isinstance(loop, dict) and str(loop.get("name", "")).lower() == name:
                return self.copies(loop.get("count"), name, loop.get("input"))
        return UNKNOWN

    def _lazy(self, kind: str, name: str, work: Callable[[str], Any]) -> Any:
        key = (kind, name)
        if key not in self._known:
            if key in self._open:
                return UNKNOWN  # refers to itself
            self._open.add(key)
            try:
                self._known[key] = work(name)
            finally:
                self._open.discard(key)
        return self._known[key]

    def _do_if(self, arguments: tuple[Any, ...]) -> Any:
        if len(arguments) != 3:
            return UNKNOWN
        condition = evaluate(arguments[0], self)
        if not isinstance(condition, bool):
            return UNKNOWN
        return evaluate(arguments[1 if condition else 2], self)

    def _do_and(self, arguments: tuple[Any, ...]) -> Any:
        return self._logical(arguments, decides=False)

    def _do_or(self, arguments: tuple[Any, ...]) -> Any:
        return self._logical(arguments, decides=True)

    def _logical(self, arguments: tuple[Any, ...], *, decides: bool) -> Any:
        result: Any = not decides
        for argument in arguments:
            value = evaluate(argument, self)
            if value is decides:
                return decides
            if not isinstance(value, bool):
                result = UNKNOWN
        return result

    def _do_coalesce(self, arguments: tuple[Any, ...]) -> Any:
        for argument in arguments:
            value = evaluate(argument, self)
            if value is not None:
                return value
        return None

    def _do_copyindex(self, arguments: tuple[Any, ...]) -> Any:
        values = [evaluate(argument, self) for argument in arguments]
        name = values[0].lower() if values and isinstance(values[0], str) else ""
        offset = next((value for value in values if isinstance(value, int)), 0)
        for loop in reversed(self._loops):
            if name in loop:
                return loop[name] + offset
        return UNKNOWN

    def _do_resourceid(self, arguments: tuple[Any, ...]) -> Any:
        return self._resource_id(arguments, PLACEHOLDER)

    def _do_subscriptionresourceid(self, arguments: tuple[Any, ...]) -> Any:
        return self._resource_id(arguments, PLACEHOLDER.partition("/resourceGroups")[0])

    def _do_tenantresourceid(self, arguments: tuple[Any, ...]) -> Any:
        return self._resource_id(arguments, "")

    def _resource_id(self, arguments: tuple[Any, ...], scope: str) -> Any:
        """Build an id; the group and subscription of the deployment stand as words in braces."""
        values = [evaluate(argument, self) for argument in arguments]
        place = next((at for at, value in enumerate(values) if isinstance(value, str) and "/" in value), None)
        if place is None or any(not isinstance(value, str) for value in values[place:]):
            return UNKNOWN
        head = values[:place]
        if head:
            known = [value if isinstance(value, str) else None for value in head]
            subscription = (
                known[0] if len(known) == 2 or "{" not in scope.rpartition("/subscriptions/")[2] else None
            )
            if len(known) == 1 and scope == PLACEHOLDER:
                group = known[0]
            elif len(known) == 2:
                group = known[1]
            else:
                group, subscription = None, known[0]
            if None in known:
                return UNKNOWN
            scope = f"/subscriptions/{subscription or '{subscriptionId}'}" + (
                f"/resourceGroups/{group}" if group else ""
            )
        provider, *types = values[place].split("/")
        names = [part for value in values[place + 1 :] for part in value.split("/")]
        if len(types) != len(names):
            return UNKNOWN
        return f"{scope}/providers/{provider}/" + "/".join(
            part for pair in zip(types, names, strict=True) for part in pair
        )

    def _do_reference(self, arguments: tuple[Any, ...]) -> Any:
        name = self._one_text(arguments)
        if name is None or self.outputs is None:
            return UNKNOWN
        found = self.outputs(name.rpartition("/")[2])
        return {"outputs": found} if found is not None else UNKNOWN

    def _do_resourceinfo(self, arguments: tuple[Any, ...]) -> Any:
        name = self._one_text(arguments)
        found = self.symbols(name) if name is not None and self.symbols is not None else None
        if found is None:
            return UNKNOWN
        return dict(zip(("id", "name", "type"), found, strict=True))

    # --- lambdas

    def _do_lambdavariables(self, arguments: tuple[Any, ...]) -> Any:
        name = self._one_text(arguments)
        for frame in reversed(self._lambdas):
            if name in frame:
                return frame[name]
        return UNKNOWN

    def _apply(self, tree: Any, values: list[Any]) -> Any:
        if not isinstance(tree, Call) or tree.name != "lambda" or not tree.arguments:
            return UNKNOWN
        *names, body = tree.arguments
        words = [name.value for name in names if isinstance(name, Literal)]
        self._lambdas.append(dict(zip(words, values, strict=False)))
        try:
            return evaluate(body, self)
        finally:
            self._lambdas.pop()

    def _do_map(self, arguments: tuple[Any, ...]) -> Any:
        items = evaluate(arguments[0], self) if len(arguments) == 2 else None
        if not isinstance(items, list):
            return UNKNOWN
        return [self._apply(arguments[1], [item, index]) for index, item in enumerate(items)]

    def _do_filter(self, arguments: tuple[Any, ...]) -> Any:
        items = evaluate(arguments[0], self) if len(arguments) == 2 else None
        if not isinstance(items, list):
            return UNKNOWN
        kept = [(item, self._apply(arguments[1], [item, index])) for index, item in enumerate(items)]
        if any(not isinstance(keep, bool) for _, keep in kept):
            return UNKNOWN
        return [item for item, keep in kept if keep]

    def _do_reduce(self, arguments: tuple[Any, ...]) -> Any:
        if len(arguments) != 3:
            return UNKNOWN
        items, total = evaluate(arguments[0], self), evaluate(arguments[1], self)
        if not isinstance(items, list):
            return UNKNOWN
        for index, item in enumerate(items):
            total = self._apply(arguments[2], [total, item, index])
        return total

    def _do_toobject(self, arguments: tuple[Any, ...]) -> Any:
        items = evaluate(arguments[0], self) if len(arguments) in {2, 3} else None
        if not isinstance(items, list):
            return UNKNOWN
        result: dict[str, Any] = {}
        for item in items:
            key = self._apply(arguments[1], [item])
            if not isinstance(key, str):
                return UNKNOWN
            result[key] = self._apply(arguments[2], [item]) if len(arguments) == 3 else item
        return result

    # --- user functions

    def _user_function(self, name: str, arguments: tuple[Any, ...]) -> Any:
        declared = self._functions.get(name)
        if not isinstance(declared, dict) or self.depth > 16:
            return UNKNOWN
        names = [str(part.get("name")) for part in declared.get("parameters") or [] if isinstance(part, dict)]
        values = [evaluate(argument, self) for argument in arguments]
        inner = TemplateScope({}, dict(zip(names, values, strict=False)), self.budget, depth=self.depth + 1)
        # A function sees its own parameters only (and other functions of the template, as Bicep compiles them).
        inner._functions = self._functions
        output = declared.get("output")
        return inner.value(output.get("value")) if isinstance(output, dict) else UNKNOWN


def _functions(namespaces: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in namespaces if isinstance(namespaces, list) else ():
        if isinstance(part, dict) and isinstance(part.get("members"), dict):
            for name, body in part["members"].items():
                found[f"{part.get('namespace')}.{name}".lower()] = body
    return found


def _folded(value: Any) -> dict[str, Any]:
    return {key.lower(): part for key, part in value.items()} if isinstance(value, dict) else {}
