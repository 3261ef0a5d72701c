from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.controls import Catalogue
from seawall.core import UsageError
from seawall.sources.yaml.fast import is_plain

GOOD = """\
// id: {id}
// title: It is so
// severity: low
// chapter: {chapter}
// subject: cluster
// message: It is not so.
// why: Because.

resources | project id, pass = true, path = '', observed = 1, expected = 1
"""


def write(folder, chapter="access", name="own-rule", text=GOOD, **values):
    place = folder / chapter
    place.mkdir(exist_ok=True)
    file = place / f"{name}.kql"
    file.write_text(text.format(**{"id": name, "chapter": chapter, **values}))
    return file


def test_the_built_in_catalogue_is_whole():
    catalogue = Catalogue()
    assert catalogue.broken == []
    assert len(catalogue.controls) >= 40
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) for name in catalogue.controls)


def test_every_header_is_read_by_the_fast_reader():
    """Else each start pays for the exact one, ten milliseconds. `x is on` is what it stumbles over: quote it."""
    slow = [
        control.id
        for control in Catalogue().controls.values()
        if not is_plain(
            "".join(
                line.removeprefix("//").removeprefix(" ")
                for line in Path(control.file).read_text(encoding="utf-8").splitlines(keepends=True)
                if line.startswith("//")
            ).encode()
        )
    ]
    assert slow == []


def test_aliases_are_unique():
    aliases = [alias for control in Catalogue().controls.values() for alias in control.header.aliases]
    assert len(aliases) == len(set(aliases))


def test_a_control_is_found_by_id_and_by_alias():
    catalogue = Catalogue()
    assert catalogue.find("SW-API-01").id == "api-authorized-ip-ranges"
    assert catalogue.find("sw-api-01") is catalogue.find("api-authorized-ip-ranges")
    with pytest.raises(UsageError) as caught:
        catalogue.find("rbac-enabeld")
    assert "'rbac-enabled'" in caught.value.hint


def test_a_team_adds_its_own(tmp_path):
    write(tmp_path)
    assert Catalogue.with_extra([str(tmp_path)]).find("own-rule").header.severity.value == "low"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("resources | take 1\n", "no header"),
        (GOOD.replace("severity: low", "severity: terrible"), "severity"),
        (GOOD.replace("// why: Because.\n", ""), "why"),
        (GOOD.replace("// why: Because.", "// why: Because.\n// colour: blue"), "colour"),
        (GOOD.replace("{id}", "another-id"), "named by its id"),
        (GOOD.replace("{chapter}", "network"), "folder is the chapter"),
        (GOOD.replace("title: It is so", "title: [It"), "own-rule.kql:"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_reason(tmp_path, text, reason):
    write(tmp_path, text=text)
    (broken,) = Catalogue.with_extra([str(tmp_path)]).broken
    assert broken.id == "own-rule"
    assert reason in broken.reason


def test_two_controls_of_one_id_are_an_error(tmp_path):
    write(tmp_path, chapter="access", name="rbac-enabled")
    (broken,) = Catalogue.with_extra([str(tmp_path)]).broken
    assert "has the same id" in broken.reason


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError):
        Catalogue.with_extra([str(tmp_path / "none")])
