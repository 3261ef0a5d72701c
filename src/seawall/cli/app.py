"""The command tree: names and one-line helps here, the commands themselves imported when they are called."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click

from seawall import __version__
from seawall.cli.commands import COMMANDS


class LazyGroup(click.Group):
    """A group whose commands live in a table of `module:attribute` and are imported late."""

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table, which is the order of the work."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of that name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self._lazy:
            import difflib

            near = difflib.get_close_matches(name, self._lazy, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, "-V", "--version", prog_name="seawall", message="%(prog)s %(version)s")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Options for every call (default: the nearest seawall.toml, or [tool.seawall] of a pyproject.toml, upwards).",
)
@click.option("--no-config", is_flag=True, help="Read no configuration.")
@click.pass_context
def app(ctx: click.Context, config: Path | None, no_config: bool) -> None:
    """Secure the path of a container, from image build to running workload.

    Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 usage, configuration or input error;
    3 nothing to check was found; 4 incomplete (something could not be read); 5 internal error.
    """
    name = ctx.invoked_subcommand
    if no_config or name in (None, "config"):
        return
    from seawall.cli.config import load_defaults, near_config

    path = config or near_config()
    command = app.get_command(ctx, str(name)) if path is not None else None
    if path is not None and command is not None:
        ctx.default_map = load_defaults(command, str(name), path)


def run() -> NoReturn:
    """Run the tree and turn every end into an exit code (design: exit codes)."""
    # A run makes many small values and drops few: looking for cycles less often saves a tenth of the time.
    gc.set_threshold(500_000, 20, 100)
    try:
        code = app.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except click.Abort:
        code = 130
    except BrokenPipeError:
        # The reader of our output has left (`seawall ... | head`): nothing more to say, and no traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except Exception as error:  # noqa: BLE001 - the last seam: nobody is shown a traceback
        code = _explain(error)
    _leave(int(code) if isinstance(code, int) else 0)


def _leave(code: int) -> NoReturn:
    """End the process at once: taking a hundred thousand findings apart again would be a twentieth of the run."""
    if threading.active_count() > 1:
        sys.exit(code)  # somebody still works, or waits to clean up
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _explain(error: Exception) -> int:
    """Tell a person what went wrong; return the exit code. The last seam: what is not ours is a bug (5)."""
    from seawall.core import Exit, NothingToCheckError, SeawallError

    if isinstance(error, SeawallError):
        click.echo(f"seawall: {error.diagnostics()}", err=True)
        return Exit.NOTHING if isinstance(error, NothingToCheckError) else Exit.USAGE
    if os.environ.get("SEAWALL_DEBUG"):
        raise error
    click.echo(f"seawall: internal error: {type(error).__name__}: {error}", err=True)
    click.echo("  This is a bug. Run again with SEAWALL_DEBUG=1 to see where.", err=True)
    return Exit.INTERNAL
