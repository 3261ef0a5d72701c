"""seawall.toml: found upwards, checked, weaker than the command line (craft.md B3)."""

from __future__ import annotations

import json

import jsonschema
import pytest

from seawall.cli.app import app
from seawall.cli.config import find_config, schema
from support.command import seawall

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: x}]}\n"
ASSESS = '[assess]\nfail-on = "none"\ncontrol = ["image-pinned"]\n'


@pytest.fixture
def place(tmp_path):
    below = tmp_path / "team" / "shop"
    below.mkdir(parents=True)
    (below / "pod.yaml").write_text(POD)
    return below


def run(place, *arguments):
    return seawall(*arguments, cwd=place)


def test_the_nearest_file_upwards_counts_and_the_command_line_counts_more(place):
    (place.parent / "seawall.toml").write_text(ASSESS)
    done = run(place, "assess", "pod.yaml", "-o", "json")
    assert (done.returncode, {each["control"] for each in json.loads(done.stdout)["findings"]}) == (
        0,
        {"image-pinned"},
    )
    assert run(place, "assess", "pod.yaml", "--fail-on", "low").returncode == 1
    assert run(place, "--no-config", "assess", "pod.yaml").returncode == 1
    (place / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert find_config(place) == place.parent / "seawall.toml"
    (place / "pyproject.toml").write_text('[tool.seawall.assess]\nfail-on = "critical"\n')
    assert find_config(place) == place / "pyproject.toml"
    assert run(place, "assess", "pod.yaml").returncode == 0


def test_a_file_that_is_named_lies_beside_the_configuration(place):
    (place.parent / "waivers.yaml").write_text(
        "waivers: [{control: image-pinned, subject: '*', reason: r, owner: o, expires: 2999-01-01}]\n"
    )
    (place.parent / "seawall.toml").write_text(ASSESS + 'waivers = "waivers.yaml"\n')
    done = run(place, "assess", "pod.yaml", "-o", "json")
    assert [each["outcome"] for each in json.loads(done.stdout)["findings"]] == ["waived"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[assess]\nfail-onn = "none"\n', "did you mean 'fail-on'?"),
        ('[assess]\nfail-on = "never"\n', "is not one of"),
        ("[assess]\ninclude-passed = 1\n", "is true or false"),
        ("[assess]\ncontrol = [[1]]\n", "a text or a list of texts"),
        ("[asses]\n", "did you mean 'assess'?"),
        ("assess = 1\n", "assess is no table"),
        ("[assess\n", "the file is TOML"),
        ("\x00", "the file is TOML"),
    ],
)
def test_what_is_no_option_or_no_value_of_one_stops_the_run(place, text, said):
    (place / "seawall.toml").write_text(text)
    done = run(place, "assess", "pod.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_file_that_is_not_there_is_said(place):
    done = run(place, "--config", "nowhere.toml", "assess", "pod.yaml")
    assert (done.returncode, "nowhere.toml" in done.stderr) == (2, True)


def test_config_show_says_what_is_set_and_where(place):
    file = place / "seawall.toml"
    file.write_text('[assess]\nfail-on = "high"\n[access.can]\noutput = "json"\n')
    assert run(place, "config", "show").stdout.splitlines() == [
        'assess.fail-on = "high"',
        'access.can.output = "json"',
    ]
    shown = run(place, "config", "show", "--origin", "--all").stdout.splitlines()
    assert f'assess.fail-on = "high"  # {file}' in shown
    assert "assess.include-passed = false  # default" in shown
    file.write_text("[assess]\nnothing = 1\n")
    assert run(place, "config", "show").returncode == 2


def test_the_schema_takes_what_the_reader_takes():
    made = schema(app)
    jsonschema.Draft202012Validator.check_schema(made)
    check = jsonschema.Draft202012Validator(made)
    assert check.is_valid({"assess": {"fail-on": "none", "control": ["a"], "include-passed": True}})
    assert check.is_valid({"access": {"can": {"output": "json"}}})
    for wrong in (
        {"asses": {}},
        {"assess": {"fail-on": "never"}},
        {"assess": {"include-passed": 1}},
        {"assess": {"x": 1}},
    ):
        assert not check.is_valid(wrong)
