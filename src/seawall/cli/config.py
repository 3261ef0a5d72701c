"""`seawall.toml`, or `[tool.seawall]` of a pyproject.toml: what a team does not want to type each time.

    [assess]
    fail-on = "high"
    catalogue = ["policies"]

A table has a command's name and holds its long options. The file is looked for from the working folder upwards; the
first one counts, and an option on the command line counts more. A key that is none stops the run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from seawall.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "seawall.toml"
PROJECT = "pyproject.toml"
_IN_FOLDER = frozenset({"waivers", "baseline", "write-baseline", "catalogue"})
"""Options that name a file: one that is relative lies beside the configuration."""


class Setting(NamedTuple):
    """One option: its place as `assess.fail-on`, its value, and the file that says so ("" for a default)."""

    place: str
    value: Any
    origin: str


def find_config(start: Path) -> Path | None:
    """Return the nearest configuration from a folder upwards; a pyproject.toml counts where it has [tool.seawall]."""
    for folder in (start, *start.parents):
        own = folder / FILE
        if own.is_file():
            return own
        project = folder / PROJECT
        if project.is_file() and b"[tool.seawall" in project.read_bytes():
            return project
    return None


def near_config() -> Path | None:
    """Return the nearest configuration of the working folder; none where that folder is gone."""
    try:
        return find_config(Path.cwd())
    except OSError:
        return None


def read_config(path: Path) -> dict[str, Any]:
    """Read the tables of a configuration, each a command's. Raises InputError."""
    import tomllib

    try:
        tables: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="--config takes a file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: {error}", hint="the file is TOML") from None
    if path.name == PROJECT:
        tables = tables.get("tool", {}).get("seawall", {})
    if not isinstance(tables, dict):
        raise InputError(f"{path}: [tool.seawall] is no table")
    from seawall.cli.commands import COMMANDS

    for key in tables:
        if key not in COMMANDS:
            raise _unknown(key, list(COMMANDS), path, "")
    return tables


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by their long names."""
    found = {}
    for param in command.params:
        if isinstance(param, click.Option) and param.name not in ("help", "version"):
            name = next((each[2:] for each in param.opts if each.startswith("--")), "")
            if name:
                found[name] = param
    return found


def defaults_of(command: click.Command, table: Any, path: Path, place: str) -> dict[str, Any]:
    """Turn a table into the defaults that click takes. Raises InputError for what is no option, or of another type."""
    if not isinstance(table, dict):
        raise InputError(f"{path}: {place} is no table", hint=f"write [{place}]")
    found: dict[str, Any] = {}
    options = options_of(command)
    below = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
    for key, value in table.items():
        if isinstance(command, click.Group) and key in below:
            inner = command.get_command(click.Context(command), key)
            if inner is not None:
                found[key] = defaults_of(inner, value, path, f"{place}.{key}")
        elif key in options:
            found[str(options[key].name)] = _value(options[key], key, value, path, f"{place}.{key}")
        else:
            raise _unknown(key, [*options, *below], path, place)
    return found


def _unknown(key: str, known: list[str], path: Path, place: str) -> InputError:
    import difflib

    near = difflib.get_close_matches(key, known, n=1)
    where = f"{place}.{key}" if place else key
    return InputError(f"{path}: there is no {where}", hint=f"did you mean {near[0]!r}?" if near else "")


def _value(option: click.Option, key: str, value: Any, path: Path, place: str) -> Any:
    if option.is_flag:
        if not isinstance(value, bool):
            raise InputError(f"{path}: {place} is true or false, not {value!r}")
        return value
    given = value if isinstance(value, list) and option.multiple else [value]
    if any(isinstance(each, bool | dict | list) for each in given):
        kind = "a text or a list of texts" if option.multiple else "a text or a number"
        raise InputError(f"{path}: {place} is {kind}")
    texts = [str(each) for each in given]
    if key in _IN_FOLDER:
        texts = [str(path.parent / each) for each in texts]
    for text in texts:
        try:
            option.type.convert(text, option, None)
        except click.BadParameter as error:
            raise InputError(f"{path}: {place}: {error.message}") from None
    return texts if option.multiple else texts[0]


def load_defaults(command: click.Command, name: str, path: Path) -> dict[str, Any] | None:
    """Return the defaults for one command, None where the configuration does not speak of it. Raises InputError."""
    tables = read_config(path)
    return {name: defaults_of(command, tables[name], path, name)} if name in tables else None


def settings(group: click.Group, path: Path | None) -> Iterator[Setting]:
    """Yield every option of every command with its value and where that comes from. Raises InputError."""
    tables = read_config(path) if path is not None else {}
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if command is not None:
            found = defaults_of(command, tables.get(name, {}), path or Path(), name)
            yield from _settings(command, found, str(path or ""), name)


def _settings(command: click.Command, found: dict[str, Any], path: str, place: str) -> Iterator[Setting]:
    for name, option in options_of(command).items():
        key = str(option.name)
        default = option.get_default(click.Context(command))
        if default is not None and not isinstance(default, str | int | float | bool | list | tuple):
            default = None
        yield Setting(f"{place}.{name}", found.get(key, default), path if key in found else "")
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            if inner is not None:
                yield from _settings(inner, found.get(name, {}), path, f"{place}.{name}")


def schema(group: click.Group) -> dict[str, Any]:
    """Return the JSON schema of the configuration."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE} | _schema(group)


def _schema(command: click.Command) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, option in options_of(command).items():
        one: dict[str, Any] = {"type": "boolean"} if option.is_flag else {"type": ["string", "number"]}
        if isinstance(option.type, click.Choice):
            one = {"enum": [str(each) for each in option.type.choices]}
        if option.multiple:
            one = {"anyOf": [one, {"type": "array", "items": one}]}
        properties[name] = one | ({"description": option.help} if option.help else {})
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            if inner is not None:
                properties[name] = _schema(inner)
    return {"type": "object", "properties": properties, "additionalProperties": False}


@click.group()
def config() -> None:
    """What seawall.toml says, and where a value comes from."""


@config.command()
@click.option("--origin", is_flag=True, help="Also show where each value comes from.")
@click.option("--all", "everything", is_flag=True, help="Also show what no file sets.")
@click.pass_context
def show(ctx: click.Context, origin: bool, everything: bool) -> None:
    """Show the values that the configuration sets. Exit code 2 when it holds a key or a value that is none."""
    import json

    root = ctx.find_root()
    group = root.command
    if not isinstance(group, click.Group):
        raise UsageError("config show is called as: seawall config show")
    seen = False
    for place, value, source in settings(group, root.params.get("config") or near_config()):
        if source or everything:
            seen = True
            where = f"  # {source or 'default'}" if origin else ""
            click.echo(f"{place} = {json.dumps(value)}{where}")
    if not seen:
        click.echo(f"no {FILE} and no [tool.seawall] sets anything here", err=True)
