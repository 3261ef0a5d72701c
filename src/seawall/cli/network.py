"""`seawall network`: who reaches whom, which rule says so, and what would change it."""

from __future__ import annotations

import click

from seawall.cli.app import LazyGroup

_COMMANDS: dict[str, tuple[str, str]] = {
    "reach": ("seawall.cli.network_reach:reach", "Can FROM reach TO, and which rule says so?"),
    "matrix": ("seawall.cli.network_matrix:matrix", "All pairs: who may talk to whom, on which ports."),
    "diff": ("seawall.cli.network_matrix:diff", "Connections gained and lost between two estates, exactly."),
    "prove": ("seawall.cli.network_prove:prove", "Send packets at the policies and compare with the model."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def network() -> None:
    """Who reaches whom through the network policies, which rule says so, and what would change it."""
