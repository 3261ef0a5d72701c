"""JSON Patch: RFC 6902 with what the API server's library does otherwise (evanphx/json-patch v4.13.0, read)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.policy.admission.typed import MismatchError, PatchError, apply_patch, difference

DOCUMENT = {"a": {"b": [1, 2, 3]}, "n": None, "m~n/o": 1}


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/a/b/1", "value": 9}, {"a": {"b": [1, 9, 2, 3]}}),
        ({"op": "add", "path": "/a/b/-", "value": 9}, {"a": {"b": [1, 2, 3, 9]}}),
        ({"op": "add", "path": "/a/b/3", "value": 9}, {"a": {"b": [1, 2, 3, 9]}}),
        ({"op": "add", "path": "/a/b/-1", "value": 9}, {"a": {"b": [1, 2, 3, 9]}}),
        ({"op": "remove", "path": "/a/b/-1"}, {"a": {"b": [1, 2]}}),
        ({"op": "replace", "path": "/a/b/-3", "value": 9}, {"a": {"b": [9, 2, 3]}}),
        ({"op": "replace", "path": "/a/new", "value": 9}, {"a": {"b": [1, 2, 3], "new": 9}}),  # not RFC 6902
        ({"op": "move", "from": "/a/b/0", "path": "/a/c"}, {"a": {"b": [2, 3], "c": 1}}),
        ({"op": "copy", "from": "/a/b", "path": "/a/c"}, {"a": {"b": [1, 2, 3], "c": [1, 2, 3]}}),
        ({"op": "test", "path": "/absent", "value": None}, {"a": {"b": [1, 2, 3]}}),  # not RFC 6902
        ({"op": "test", "path": "/a/b", "value": [1, 2, 3]}, {"a": {"b": [1, 2, 3]}}),
        ({"op": "replace", "path": "/m~0n~1o", "value": 2}, {"m~n/o": 2}),
    ],
)  # fmt: skip
def test_what_an_operation_does(operation, result):
    assert apply_patch(DOCUMENT, [operation]) == DOCUMENT | result
    assert DOCUMENT["a"] == {"b": [1, 2, 3]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/x/y", "value": 1}, {"op": "add", "path": "/a/b/4", "value": 1}, {"op": "add", "path": "/a/b/x", "value": 1},
        {"op": "add", "path": "", "value": 1}, {"op": "remove", "path": "/x"}, {"op": "remove", "path": "/a/b/3"},
        {"op": "replace", "path": "/a/b/3", "value": 1}, {"op": "replace", "path": "/a/b/-4", "value": 1}, {"op": "eat", "path": "/a"},
        {"op": "add", "path": "/n/x", "value": 1}, {"op": "move", "from": "/x", "path": "/y"}, {"op": "replace", "path": "", "value": 1},
        {"op": "add", "path": "/a/b/99999999999999999999999", "value": 1}, {},
    ],
)  # fmt: skip
def test_what_does_not_apply(operation):
    with pytest.raises(PatchError):
        apply_patch(DOCUMENT, [operation])


@pytest.mark.parametrize("value", [1, True, None, {"b": [1, 2]}, {"b": [True, 2, 3]}])
def test_a_test_that_fails(value):
    with pytest.raises(MismatchError):
        apply_patch(DOCUMENT, [{"op": "test", "path": "/a", "value": value}])


def test_a_document_that_doubles_is_stopped():
    doubling = [
        {"op": "copy", "from": "/a", "path": "/a/c"},
        {"op": "copy", "from": "/a", "path": "/a/d"},
    ] * 40
    with pytest.raises(PatchError, match="copies of more"):
        apply_patch(DOCUMENT, doubling)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b/c", "d~e"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b/c", "d~e", "0", "-"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from("abc"), _VALUES), st.dictionaries(st.sampled_from("abc"), _VALUES))
def test_a_difference_makes_one_document_of_the_other(before, after):
    found = apply_patch(before, difference(before, after))
    assert found == after
