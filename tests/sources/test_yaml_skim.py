"""The quick way to a line and the exact one agree wherever the quick one answers."""

from __future__ import annotations

import itertools

import pytest

from seawall.core import SeawallError
from seawall.sources.yaml import load_all
from seawall.sources.yaml.documents import normalise, split
from seawall.sources.yaml.fast import is_plain
from seawall.sources.yaml.marks import Marks
from seawall.sources.yaml.outline import outline
from seawall.sources.yaml.skim import Skim
from support import ROOT, shared


def paths(value, prefix=()):
    """Yield every path of a value, and for each map one that is not there."""
    yield prefix
    if isinstance(value, dict):
        yield (*prefix, "thereIsNoSuchField", "below")
        for key, inner in value.items():
            yield from paths(inner, (*prefix, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*prefix, index))


def compare(data: bytes) -> tuple[int, int]:
    """Compare both ways over every path; return how many were answered and how many were not."""
    answered = left = 0
    text = normalise(data)
    marks = Marks(data)
    for number, (start, end, _) in enumerate(split(text)):
        part = text[start:end]
        if not is_plain(part):
            continue
        documents = load_all(part, "x.yaml")
        finders = [one for one in (Skim(part), outline(part)) if one is not None]
        first_line = text.count(b"\n", 0, start)
        for path in itertools.islice(paths(documents[0] if documents else None), 3000):
            for finder in finders:
                quick = finder.place(path)
                if quick is None:
                    left += 1
                    continue
                answered += 1
                found = (quick[0] + first_line + 1, quick[1] + 1)
                assert found == marks.exact_place(number, path), (type(finder), path, part)
    return answered, left


CASES = {
    "nested": b"a:\n  b:\n    c: 1\n  d: x\ne: 2\n",
    "list below its key": b"a:\n- x: 1\n  y:\n    z: 2\n- x: 3\nb: 4\n",
    "indented list": b"a:\n  - x: 1\n    y: 2\n  -   x: 5\n      y: 6\n  - plain\nb: 4\n",
    "empty values": b"a:\nb:\n  c:\n  d: 1\n",
    "comments": b"# top\na: # why\n  # deeper\n  b: 1 # x\n# end\nc: 2\n",
    "block text": b"a: |\n  b: not a key\n  c\nd: 1\n",
    "flow": b"a: {b: 1}\nc: []\nd: {}\ne: [x, y]\n",
    "quotes": b"a: 'x'\nb: \"y: z\"\nc: it's\n",
    "text over two lines": b"a: one\n  two\nb: 1\n",
    "quoted over two lines": b"a: 'one\n  b: two'\nc: 1\n",
    "list of lists": b"a:\n  - - 1\n    - 2\n  - 3\n",
    "dash alone": b"a:\n  -\n    b: 1\n  - c: 2\n",
    "quoted keys": b"'a b': 1\nc: 2\n",
    "blank lines": b"\n\na:\n\n  b: 1\n\n\n  c: 2\n",
    "keys like paths": b"metadata:\n  annotations:\n    a.b/c: d\n    e: f\n",
    "windows lines": b"a:\r\n  b: 1\r\nc: 2\r\n",
    "a list and a key at one depth": b"a:\n- b: 1\n  c:\n  - d\n  - e: 2\n    f: 3\n  g: 4\nh:\n- i\n",
    "text in a list": b"a:\n  - |\n    b: no\n  - c: |\n      d: no\n    e: 1\n",
    "text that looks like keys": b"a:\n  b: |\n\n    # c\n    d: e\n  f: 'x: y'\n",
    "flow in a list": b"a:\n  - {b: 1}\n  - []\n  - [x]\n",
    "empty": b"",
    "scalar": b"just text\n",
    "list": b"- a: 1\n- b: 2\n",
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_on(name):
    compare(CASES[name])


def test_answers_the_ordinary_and_leaves_the_odd():
    assert compare(CASES["nested"])[1] == 0
    assert compare(CASES["list below its key"])[1] == 0
    assert compare(CASES["flow"])[0] == 0


def test_an_outline_is_made_of_what_is_common():
    for name in (
        "nested",
        "list below its key",
        "indented list",
        "comments",
        "a list and a key at one depth",
    ):
        assert outline(CASES[name]) is not None, name


def test_agrees_on_every_example_of_our_own():
    answered = 0
    for file in sorted((ROOT / "examples").rglob("*.yaml")):
        answered += compare(file.read_bytes())[0]
    assert answered > 500


def test_agrees_on_every_file_at_hand():
    answered = left = 0
    for file in sorted([*shared("data").rglob("*.yaml"), *shared("data").rglob("*.yml")]):
        data = file.read_bytes()
        if len(data) > 200_000:
            continue
        try:
            load_all(data, file.name)
        except SeawallError:
            continue
        counts = compare(data)
        answered, left = answered + counts[0], left + counts[1]
    assert answered > 10_000
    assert answered > left
