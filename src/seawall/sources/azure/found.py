"""What was found in a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from seawall.snapshot.model import AzureResource, Unread


class Found(msgspec.Struct, frozen=True):
    """What a document holds; `reason` says why it holds nothing, in words for the list of ignored files."""

    resources: tuple[AzureResource, ...] = ()
    unread: tuple[Unread, ...] = ()
    reason: str = ""
