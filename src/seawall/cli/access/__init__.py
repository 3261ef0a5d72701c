"""`seawall access`: who may do what, why, how it could be got, and what would be enough."""

from __future__ import annotations

import click

from seawall.cli.access.identity import config, reach, token
from seawall.cli.access.mining import mine_command
from seawall.cli.access.questions import can, diff, roles, who_can_command
from seawall.cli.access.ways import paths


@click.group()
def access() -> None:
    """Who may do what, why, and what would change the answer."""


for command in (can, who_can_command, paths, roles, diff, mine_command, config, token, reach):
    access.add_command(command)
