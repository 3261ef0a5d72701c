"""Label selectors (apimachinery metav1.LabelSelectorAsSelector)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class SelectorError(Exception):
    """A selector that cannot be read."""


def selects(selector: Json | None, labels: Json | None) -> bool:
    """Whether a selector matches labels; null matches nothing, the empty one everything.

    Raises:
        SelectorError: an operator that is none, or values that do not fit it.
    """
    if selector is None:
        return False
    have = labels or {}
    good = all(have.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression.get("key"), expression.get("operator")
        values = expression.get("values") or []
        match operator:
            case "In" | "NotIn":
                if not values:
                    raise SelectorError("for 'in', 'notin' operators, values set can't be empty")
                good &= (
                    (have.get(key) in values and key in have)
                    if operator == "In"
                    else have.get(key) not in values
                )
            case "Exists" | "DoesNotExist":
                if values:
                    raise SelectorError("values set must be empty for exists and does not exist")
                good &= (key in have) == (operator == "Exists")
            case _:
                raise SelectorError(f'"{operator}" is not a valid label selector operator')
    return good
