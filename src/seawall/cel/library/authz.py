"""`authorizer.group('apps').resource('deployments').namespace('x').check('get').allowed()`.

Whoever runs the policy gives the authorizer: a function of the attributes of a SubjectAccessReview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.kubernetes import FORMATS_BY_NAME
from seawall.cel.operators import size, tenth
from seawall.cel.values import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK_COST = 350_000


class Decision(Opaque):
    """What the authorizer said."""

    __slots__ = ("allowed", "error", "reason")
    kind = "kubernetes.authorization.Decision"
    comparable = False

    def __init__(self, *, allowed: bool, reason: str = "", error: str = "") -> None:
        self.allowed = allowed
        self.reason = reason
        self.error = error


class User(NamedTuple):
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Any = None


if TYPE_CHECKING:
    Authorize = Callable[[User, dict[str, Any]], Decision]


class Authorizer(Opaque):
    """The root: a user and who answers."""

    __slots__ = ("authorize", "user")
    kind = "kubernetes.authorization.Authorizer"
    comparable = False

    def __init__(self, user: User, authorize: Authorize) -> None:
        self.user = user
        self.authorize = authorize


class Check(Opaque):
    """A question in the making; `kind` says how far it has come."""

    __slots__ = ("_kind", "attributes", "root")
    comparable = False

    def __init__(self, root: Authorizer, kind: str, attributes: dict[str, Any]) -> None:
        self.root = root
        self._kind = kind
        self.attributes = attributes

    @property
    def kind(self) -> str:  # type: ignore[override] # one class stands for three opaque types
        """The name of the type."""
        return self._kind

    def having(self, **more: Any) -> Check:
        """Return the same question with more said."""
        return Check(self.root, self._kind, self.attributes | more)


_A = "kubernetes.authorization.Authorizer"
PATH = "kubernetes.authorization.PathCheck"
GROUP = "kubernetes.authorization.GroupCheck"
RESOURCE = "kubernetes.authorization.ResourceCheck"
_D = "kubernetes.authorization.Decision"


def _service_account(root: Authorizer, namespace: str, name: str) -> Authorizer:
    if FORMATS_BY_NAME["dns1123Subdomain"].validate(name):
        raise CelError("Invalid service account name")
    if FORMATS_BY_NAME["dns1123Label"].validate(namespace):
        raise CelError("Invalid service account namespace")
    # Not system:authenticated: that group comes from authentication, which has not happened here.
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return Authorizer(User(f"system:serviceaccount:{namespace}:{name}", groups), root.authorize)


def _check(question: Check, verb: str) -> Decision:
    return question.root.authorize(question.root.user, question.attributes | {"verb": verb})


def _path(root: Authorizer, path: str) -> Check:
    if not path.strip():
        raise CelError("path must not be empty")
    return Check(root, PATH, {"path": path})


def _method(receiver: str, rest: str, call: Any, cost: Any = None) -> Any:
    made = overload("x." + rest, call, cost)
    return made._replace(args=(made.args[0]._replace(kind=receiver), *made.args[1:]))


def _resource(check: Check, resource: str) -> Check:
    if not resource.strip():
        raise CelError("resource must not be empty")
    return Check(check.root, RESOURCE, check.attributes | {"resource": resource})


def _always(cost: int) -> Any:
    return lambda *_: cost


OVERLOADS = (
    _method(_A, f"path(string) -> {PATH}", _path),
    _method(_A, f"group(string) -> {GROUP}", lambda root, group: Check(root, GROUP, {"group": group})),
    _method(_A, f"serviceAccount(string, string) -> {_A}", _service_account),
    _method(
        GROUP, f"resource(string) -> {RESOURCE}", _resource,
    ),
    _method(RESOURCE, f"subresource(string) -> {RESOURCE}", lambda check, name: check.having(subresource=name)),
    _method(RESOURCE, f"namespace(string) -> {RESOURCE}", lambda check, name: check.having(namespace=name)),
    _method(RESOURCE, f"name(string) -> {RESOURCE}", lambda check, name: check.having(name=name)),
    _method(PATH, f"check(string) -> {_D}", _check, _always(CHECK_COST)),
    _method(RESOURCE, f"check(string) -> {_D}", _check, _always(CHECK_COST)),
    _method(_D, "allowed() -> bool", lambda decision: decision.allowed),
    _method(_D, "reason() -> string", lambda decision: decision.reason),
    _method(_D, "errored() -> bool", lambda decision: bool(decision.error)),
    _method(_D, "error() -> string", lambda decision: decision.error),
)  # fmt: skip


def _selector_cost(_: Any, __: Any, text: Any) -> int:
    return 10 + tenth(size(text)) + -(-size(text) // 2) * 50


SELECTORS = (
    _method(
        RESOURCE,
        f"fieldSelector(string) -> {RESOURCE}",
        lambda c, text: c.having(fieldSelector=text),
        _selector_cost,
    ),
    _method(
        RESOURCE,
        f"labelSelector(string) -> {RESOURCE}",
        lambda c, text: c.having(labelSelector=text),
        _selector_cost,
    ),
)
