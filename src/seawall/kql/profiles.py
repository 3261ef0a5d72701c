"""Profiles: where a query is meant to run, and what that place accepts."""

from __future__ import annotations

import msgspec

from seawall.core.errors import UsageError


class Profile(msgspec.Struct, frozen=True):
    """What differs from place to place.

    `fold_tables`: table names in any case (Resource Graph). `dynamic_keys`: a dynamic may be grouped and
    sorted by, by its text.
    """

    name: str
    default_table: str = ""
    fold_tables: bool = False
    dynamic_keys: bool = False


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("local", default_table="resources", fold_tables=True),
        Profile("arg", default_table="resources", fold_tables=True, dynamic_keys=True),
        Profile("log-analytics"),
    )
}


def profile_of(name: str) -> Profile:
    """Find a profile by its name."""
    found = PROFILES.get(name)
    if found is None:
        raise UsageError(f"no profile is called {name!r}", hint=f"profiles: {', '.join(PROFILES)}")
    return found
