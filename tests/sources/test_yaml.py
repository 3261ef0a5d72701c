"""YAML as Kubernetes reads it. Expected values: the answers of sigs.k8s.io/yaml 1.6.0 (YAMLToJSONStrict) followed by
sigs.k8s.io/json, asked on 2026-11-21."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core import InputError
from seawall.sources.yaml import Marks, documents, exact, fast, load_all, read_documents
from seawall.sources.yaml.problem import YamlProblemError
from support import SHARED, shared


def load(text):
    (value,) = load_all(text.encode() if isinstance(text, str) else text, "f.yaml")
    return value


def typed(value):
    """Tell 1 from 1.0 and from True."""
    if isinstance(value, dict):
        return {key: typed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [typed(part) for part in value]
    return type(value).__name__, value


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("y", True), ("Yes", True), ("on", True), ("n", False), ("OFF", False), ("yES", "yES"), ("tRUE", "tRUE"),
        ("~", None), ("Null", None), ("nUll", "nUll"), ("", None),
        ("0777", 511), ("-0777", -511), ("08", 8), ("0o17", 15), ("0x1F", 31), ("0X1f", 31), ("0b101", 5), ("0b-1", -1),
        ("1_000", 1000), ("_1", "_1"), ("0x_1", 1), ("+1", 1), ("-0", 0), ("1__0", 10), ("0b2", "0b2"),
        ("1.0", 1), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000), ("1.e3", 1000), ("1e21", 1e21), ("1e20", 1e20), ("1e18", 10**18),
        ("1e400", "1e400"), ("1e-7", 1e-7), ("6.02e23", 6.02e23),
        ("9223372036854775807", 2**63 - 1), ("9223372036854775808", float(2**63)), ("-9223372036854775809", -float(2**63)),
        ("18446744073709551616", float(2**64)), ("0xFFFFFFFFFFFFFFFF", float(2**64)),
        ("2001-01-01", "2001-01-01"), ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"), ("2001-13-01", "2001-13-01"),
        ("12:30", "12:30"), ("190:20:30", "190:20:30"), ("1.2.3", "1.2.3"), ("10.0.0.0/8", "10.0.0.0/8"), ("500m", "500m"),
        ("inf", "inf"), ("NaN", "NaN"), ("=", "="), ("'yes'", "yes"), ('"0777"', "0777"),
        ("!!str 12", "12"), ("!!int '12'", 12), ("!!float 1", 1), ("!!null ''", None), ("!x 12", "12"), ("!!binary aGk=", "hi"),
        ("!!timestamp 2001-01-01", "2001-01-01"),
    ],
)  # fmt: skip
def test_scalars(token, value):
    assert typed(load(f"a: {token}\n")) == typed({"a": value})


@pytest.mark.parametrize(
    ("token", "key"),
    [
        ("1", "1"), ("0777", "511"), ("1.5", "1.5"), ("1.0", "1"), ("yes", "true"), ("off", "false"), ("'1'", "1"),
        ("1e20", "1e+20"), ("123456789.123", "1.2345679e+08"), ("1234567.0", "1.234567e+06"), (".inf", ".inf"), ("-.5", "-0.5"),
        ("0.00001", "1e-05"), ("2001-01-01", "2001-01-01"), ("<<x", "<<x"), ("'<<'", "<<"),
    ],
)  # fmt: skip
def test_keys_become_texts_as_go_prints_them(token, key):
    assert load(f"{token}: v\n") == {key: "v"}


@pytest.mark.parametrize(
    "text",
    [
        "a: .inf\n", "a: -.inf\n", "a: .nan\n", "null: x\n", "~: x\n", "18446744073709551615: x\n", "[a]: b\n", "{a: b}: c\n",
        "a: 1\na: 2\n", "{a: 1, a: 2}\n", "'a': 1\na: 2\n", "1: x\n'1': y\n", "a: b: c\n", "a: [1\n", "a: 'x\n", "\tb: 1\n",
        "a: *x\n", "a: &x [*x]\n", "a: &x {b: *x}\n", "<<: 1\n", "a: &l [{b: 1}]\nc:\n  <<: *l\n", "a: !!int x\n", "a: !!bool 1\n",
        "a: !!binary '*'\n", "a: @x\n", "a: b\n c: d\n", "--- {a: b}\n", "a: \x01\n", '{"a": 1, "a": 2}', "{",
    ],
)  # fmt: skip
def test_what_kubernetes_refuses_is_refused_with_a_place(text):
    with pytest.raises(InputError) as caught:
        load_all(text.encode(), "f.yaml")
    assert caught.value.location is not None
    assert caught.value.location.file == "f.yaml"


def test_an_error_names_line_and_column():
    with pytest.raises(InputError) as caught:
        load_all(b"# one\na: 1\n---\nb: 1\nc: [2\n", "x.yaml")
    assert caught.value.location.line >= 5
    broken = read_documents(b"a: 1\n---\nb: [\n---\nc: 3\n", "x.yaml")
    assert [item.value for item in broken if item.error is None] == [{"a": 1}, {"c": 3}]
    assert broken[1].error.location.line == 4


def test_documents():
    assert load_all(b"---\na: 1\n--- # two\n# nothing\n---\n\nb: 2\n...\nc: 3\n", "f") == [
        {"a": 1},
        None,
        {"b": 2},
    ]
    assert load_all(b"", "f") == []
    assert load_all(b"\n# only a comment\n", "f") == [None]
    assert load_all(b'{"a": 1}\n{"b": 2}', "f") == [{"a": 1}, {"b": 2}]
    assert load_all(b'[{"a": 1}]', "f") == [[{"a": 1}]]
    assert load_all(b"{a: yes, b: 0777}", "f") == [{"a": True, "b": 511}]


def test_windows_and_byte_order_marks():
    assert load_all(b"\xef\xbb\xbfa: |\r\n  x\r\n  y\r\n---\r\nb: 1\r\n", "f") == [{"a": "x\ny\n"}, {"b": 1}]
    assert load_all('{"a": "ü"}'.encode("utf-16"), "f") == [{"a": "ü"}]


def test_json_numbers_stay_as_json_has_them():
    assert typed(load('{"a": 1.0, "b": 1e3, "c": 12, "d": 9223372036854775808}')) == typed(
        {"a": 1.0, "b": 1000.0, "c": 12, "d": float(2**63)}
    )


@pytest.mark.parametrize("pad", ["", " ", "\n"])
@pytest.mark.parametrize("value", ['"x"', r'"a\u0022:"', r'"\":"', "{}"])
def test_a_duplicate_key_in_json_is_seen_however_it_is_written(pad, value):
    text = f'{{"a"{pad}: {value}, "b": [{{"k": 1, "k"{pad}: 2}}], "c": "\\u0022: "}}'
    with pytest.raises(InputError, match="already set"):
        load_all(text.encode(), "f.json")


def test_merge_keys():
    # As kubectl reads (not strict): in the order of the text, of several maps the first wins.
    assert load("b: &b {x: 1, z: 2}\nc:\n  <<: *b\n  z: 3\n")["c"] == {"x": 1, "z": 3}
    assert load("b: &b {x: 1}\nd: &d {x: 2, z: 3}\nc:\n  <<: [*b, *d]\n")["c"] == {"x": 1, "z": 3}
    assert load("b: &b {z: 2}\nc:\n  z: 3\n  <<: *b\n")["c"] == {"z": 2}


def alias_bomb(levels):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    "data",
    [
        alias_bomb(100), alias_bomb(8), b"a: " + b"x" * 50_000_000, b'{"a": "' + b"x" * 50_000_000 + b'"}', b"[" * 100_000,
        b"- " * 100_000, b"{a: " * 50_000, b'{"a":' * 50_000, b"".join(b" " * n + b"a:\n" for n in range(600)), bytes(range(256)) * 4000,
        base64.b64decode(b"/9j/4AAQSkZJRgABAQ==") * 1000, b"a: |\n" + b"  x\n" * 12_500_000, b"x" * 50_000_000, b"? " * 50_000,
        b'{"a":' * 300 + b"1" + b"}" * 300, b"{" + b"\x00" * 1_000_000, b"a: " + b"9" * 5000 + b"e999999999\n\x02",
    ],
    ids=["100 levels", "8 levels", "scalar", "json scalar", "flow", "stairs", "maps", "json maps", "indented", "rubbish",
         "picture", "block scalar", "one word", "keys", "300 levels", "zeros", "number"],
)  # fmt: skip
def test_hostile_texts_end_in_a_clear_error_at_once(data):
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        load_all(data, "bomb.yaml")
    # No timed tests: ten seconds only catch what would hang (the issue's bound of one second is measured by bench).
    assert time.perf_counter() - start < 10
    assert caught.value.message


AT_HAND = sorted((SHARED / "data").rglob("*.y*ml"))


@pytest.mark.parametrize(
    "path", AT_HAND or [None], ids=lambda path: "/".join(path.parts[-3:]) if path else "none"
)
def test_both_paths_give_equal_objects_on_every_file_at_hand(path):
    shared("data")
    data = documents.normalise(path.read_bytes())
    for start, end, _ in documents.split(data):
        both(data[start:end])


def both(text):
    """Return whether the fast path took the text; where it did, the exact one must agree."""
    if not fast.is_plain(text):
        return False
    done, value = fast.load(text)
    if done:
        assert typed(value) == typed(exact.compose(text))
    return done


TOKENS = st.sampled_from(
    ["a", "b", "foo", "x-y", "1", "0", "-1", "22", "1.5", "1e3", "yes", "no", "y", "on", "true", "false", "null", "~", "0777", "0x1F", "2001-01-01", "12:30", "1.2.3", "500m", "'q'", '"q"', "'true'", "-x", ".5", ".", "-", "--", "http://x:80/", "a,b", "a#b", "[]", "{}", "[a]", "{a:", "b}", "[a,", "b]", "&", "*", "!", "|", ">", "@", "%", "?", ":", ",", "[", "]", "{", "}", "<<", "&a", "*a", "!!str", "#", "é", "\\", "=", "a=b", "inf", "nan", "_", "1_0", "+1", "-0", "|-", ">-", "|+"]
)  # fmt: skip
SCALARS = st.one_of(
    TOKENS,
    st.lists(TOKENS, min_size=2, max_size=3).map(" ".join),
    st.text("ab \n'\"#:{}-\\é\t", max_size=8).map(json.dumps),
    st.text("ab #:{}-", max_size=8).map(lambda text: f"'{text}'"),
    st.lists(st.sampled_from(["  a", "  b: c", "  - d", "", "   x | y", "  yes", " z"]), max_size=4).map(
        lambda lines: "|\n" + "\n".join(lines)
    ),
)


def indented(text):
    return "\n".join("  " + line if line else line for line in text.split("\n"))


def containers(inner):
    keys = st.one_of(st.sampled_from(["a", "b", "c", "foo", "x-y"]), TOKENS)
    maps = st.lists(st.tuples(keys, inner), min_size=1, max_size=3).map(
        lambda pairs: "\n".join(
            f"{key}:{indented(value) if value[:1] == chr(10) else ' ' + value}" for key, value in pairs
        )
    )
    lists = st.lists(inner, min_size=1, max_size=3).map(
        lambda values: "\n".join(f"- {value}" for value in values)
    )
    return st.one_of(maps, lists).map(lambda text: "\n" + indented(text))


@given(st.recursive(SCALARS, containers, max_leaves=8), st.sampled_from(["\n", "", "\n\n", "\n# end\n"]))
def test_both_paths_give_equal_objects_on_generated_texts(text, end):
    lines = text.lstrip("\n").split("\n")
    width = len(lines[0]) - len(lines[0].lstrip(" "))
    data = documents.normalise(
        "\n".join(line[min(width, len(line) - len(line.lstrip(" "))) :] for line in lines).encode()
        + end.encode()
    )
    if b"\n---" in data or data.startswith(b"---"):
        return
    try:
        exact.compose(data)
    except YamlProblemError:
        if fast.is_plain(data):
            done, _ = fast.load(data)
            assert not done
        return
    both(data)


def test_most_files_at_hand_take_the_fast_path():
    files = [documents.normalise(path.read_bytes()) for path in shared("data").rglob("*.y*ml")]
    assert sum(map(fast.is_plain, files)) > len(files) * 0.6


def test_a_large_list_is_read_item_by_item():
    item = "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: c{}\n  data:\n    k: |\n      {}\n"
    text = "apiVersion: v1\nitems:\n" + "".join(
        item.format(n, "x" * 200 + (" <<EOF" if n == 7 else "")) for n in range(2000)
    )
    text += "kind: List\nmetadata:\n  resourceVersion: ''\n"
    value = load(text)
    assert len(value["items"]) == 2000
    assert value == exact.compose(text.encode())
    place = Marks(text.encode()).place(0, ("items", 1999, "data", "k"))
    assert text.splitlines()[place[0] - 1].strip() == "k: |"
    # An anchor across items: the pieces cannot be read alone, the whole can.
    text = text.replace("name: c1\n", "name: &n c1\n").replace("name: c2\n", "name: *n\n")
    assert load(text)["items"][2]["metadata"]["name"] == "c1"


@pytest.mark.parametrize(
    ("text", "document", "path", "place"),
    [
        ("a:\n  b:\n  - c: 1\n    d: 2\n", 0, ("a", "b", 0, "d"), (4, 5)),
        ("a:\n  b:\n  - c: 1\n", 0, ("a", "b", 0), (3, 5)),
        ("a:\n  b:\n  - c: 1\n", 0, ("a", "b", 0, "x", "y"), (3, 5)),
        ("a:\n  b:\n  - c: 1\n", 0, ("a", "x"), (1, 1)),
        ("# c\na: 1\n---\n# d\nb:\n  8080: x\n", 1, ("b", "8080"), (6, 3)),
        ("x: &x {k: 1}\nz:\n  <<: *x\n", 0, ("z", "k"), (1, 8)),
        ("on:\n  k: 1\n", 0, ("true", "k"), (2, 3)),
        ('{\n "a": [\n  {"b": 1},\n  {"c": "\\"x"}\n ]\n}', 0, ("a", 1, "c"), (4, 4)),
        ('{"a": 1}\n{"b":\n 2}', 1, ("b",), (2, 2)),
        ("a: [\n", 0, ("a",), (1, 1)),
    ],
)
def test_places(text, document, path, place):
    assert Marks(text.encode()).place(document, path) == place


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a: |\n  yes: {\n  - *x\n\n  0x10: !t\nb: 1\n", True),
        ("a:\n  - b: |\n      on: [\n    c: 1\n  - |\n      no\n", True),
        ("a: |\n  x\nb: yes\n", False),
        ("a: |\n    x\n  b: yes\n", False),
        ("a: |\n\n  yes: {\nb: 1\n", False),
        ("a: |\n  x\n  - &y\nb: *y\n", False),
        ("a:\n- b: |\n    on\n  c: on\n", False),
        ("a: |\n  tab\there\n", False),
        ('a: |\n  x\nb: "\\x41"\n', False),
    ],
)
def test_what_stands_in_a_literal_block_is_text(text, plain):
    """And both readers agree on it, whichever is taken."""
    assert fast.is_plain(text.encode()) == plain
    done, value = fast.load(text.encode())
    if plain:
        assert done
        assert typed(value) == typed(exact.compose(text.encode()))
