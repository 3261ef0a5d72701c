"""Who a query runs as: what the caller says, for nobody is signed in to a file."""

from __future__ import annotations

from typing import Any

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """Who a query runs as.

    Attributes:
        fqn: the fully qualified name, as `aaduser=OBJECT;TENANT`.
        details: what current_principal_details() gives; None where it is not known.
        groups: the principals that this one is a member of, in the same form; None where they are not known.
    """

    fqn: str
    details: dict[str, Any] | None = None
    groups: tuple[str, ...] | None = None

    @classmethod
    def of(cls, told: str | dict[str, Any]) -> Principal:
        """Read a name, or an object as current_principal_details() prints it, with `Groups` beside.

        Raises:
            ValueError: there is no name in it, or the groups are not a list of names.
        """
        if isinstance(told, str):
            if not told.strip():
                raise ValueError("the name of the principal is empty")
            return cls(told.strip())
        groups = told.get("Groups")
        if groups is not None and not (
            isinstance(groups, list) and all(isinstance(one, str) for one in groups)
        ):
            raise ValueError("Groups is not a list of names")
        details = {key: value for key, value in told.items() if key != "Groups"}
        fqn = details.get("FQN")
        return cls(
            fqn if isinstance(fqn, str) else "", details, tuple(groups) if groups is not None else None
        )

    @property
    def names(self) -> frozenset[str]:
        """What this principal itself is called, in lower case."""
        upn = (self.details or {}).get("UserPrincipalName")
        return frozenset(
            name.lower() for name in (self.fqn, f"aaduser={upn}" if isinstance(upn, str) else "") if name
        )
