"""And, or, and the conditional: what is decided absorbs the errors of what is not. None of them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CelError
from seawall.cel.values import Optional, no_overload

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Frame, Step


def all_of(terms: list[Step]) -> Step:
    """Be true where every term is; one false decides."""

    def every(frame: Frame) -> bool:
        failure: CelError | None = None
        for term in terms:
            try:
                value = term(frame)
            except CelError as error:
                failure = failure or error
                continue
            if value is False:
                return False
            if value is not True:
                failure = failure or no_overload("_&&_", value)
        if failure is not None:
            raise failure
        return True

    return every


def any_of(terms: list[Step]) -> Step:
    """Be true where one term is; one true decides."""

    def some(frame: Frame) -> bool:
        failure: CelError | None = None
        for term in terms:
            try:
                value = term(frame)
            except CelError as error:
                failure = failure or error
                continue
            if value is True:
                return True
            if value is not False:
                failure = failure or no_overload("_||_", value)
        if failure is not None:
            raise failure
        return False

    return some


def ternary(test: Step, yes: Step, no: Step) -> Step:
    """Choose a branch."""

    def step(frame: Frame) -> Any:
        value = test(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise no_overload("_?_:_", value)

    return step


def or_else(first: Step, other: Step, *, unwrap: bool) -> Step:
    """Be the first optional (with `unwrap` its value), else the other, which is only then evaluated.

    What is no optional at all is itself: a dynamic value may be either (cel-go `cel/library.go`).
    """

    def step(frame: Frame) -> Any:
        value = first(frame)
        if type(value) is not Optional:
            return value
        if value.present:
            return value.value if unwrap else value
        return other(frame)

    return step
