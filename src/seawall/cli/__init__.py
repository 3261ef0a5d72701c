"""Arguments in, exit code out; nothing else."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. `--version` answers before anything heavy is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from seawall import __version__

        sys.stdout.write(f"seawall {__version__}\n")
        return
    from seawall.cli.app import run

    run()
