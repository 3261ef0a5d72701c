"""Functions on arrays, bags and paths, as their pages have them. Queries are our own."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError, rest


def ask(expression):
    result = Database().query(f"datatable(one:long)[1] | project x = {expression}")
    return rest.rows(result.rows, result.columns)[0][0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # treepath: [0] stands for every element of an array
        ("treepath(dynamic({'l': [1, {'x': 1}, {'y': [2]}]}))", ["['l']", "['l'][0]", "['l'][0]['x']", "['l'][0]['y']", "['l'][0]['y'][0]"]),
        ("treepath(dynamic({'l': [], 'b': {}}))", ["['l']", "['b']"]),
        # array_sum: null where an element is no number
        ("array_sum(dynamic([1, 2.5]))", 3.5),
        ("array_sum(dynamic([1, true]))", None),
        ("array_sum(dynamic([1, null]))", None),
        # array_sort_asc, array_sort_desc: numbers, then texts, then the rest, on both pages; nulls last
        ("array_sort_asc(dynamic([true, 'b', 3, {'a': 1}, 'a', 1.5, null]))", [1.5, 3, "a", "b", True, {"a": 1}, None]),
        ("array_sort_desc(dynamic([true, 'b', 3, 'a', 1.5, null]))", [3, 1.5, "b", "a", True, None]),
        ("array_sort_desc(dynamic([2, null, 3]), false)", [None, 3, 2]),
        # dynamic_to_json: bags by name; what is no dynamic is its tostring()
        ("dynamic_to_json(dynamic({'b': [1.5, true, null], 'a': {'d': 1, 'c': 2}}))", '{"a":{"c":2,"d":1},"b":[1.5,true,null]}'),
        ("dynamic_to_json('text')", "text"),
        ("dynamic_to_json(1h)", "01:00:00"),
        # bag_has_key, bag_remove_keys, bag_set_key: paths of keys
        ("bag_has_key(dynamic({'a': {'b c': null}}), \"$.a['b c']\")", True),
        ("bag_has_key(dynamic({'a': [1]}), strcat('$.a[', tostring(one - 1), ']'))", False),
        ("bag_remove_keys(dynamic({'a': {'b': 1, 'c': 2}}), dynamic(['$.a.b', '$.x.y']))", {"a": {"c": 2}}),
        ("bag_set_key(dynamic({}), '$.a.b', 1h)", {"a": {"b": "01:00:00"}}),
        ("bag_set_key(dynamic({'a': 1}), '$.a.b', 2)", None),
        # bag_zip: as many values as keys, keys that are texts
        ("bag_zip(dynamic(['a', 1, 'b']), dynamic([1, 2]))", {"a": 1, "b": None}),
    ],
)  # fmt: skip
def test_a_value_is_what_its_page_says(expression, value):
    assert ask(expression) == value


@pytest.mark.parametrize(
    "call",
    [
        "bag_has_key(dynamic({'a': [1]}), '$.a[0]')",
        "bag_remove_keys(dynamic({'a': [1]}), dynamic(['$.a[0]']))",
        "bag_set_key(dynamic({'a': [1]}), '$.a[0]', 1)",
        "bag_set_key(dynamic({'a': [1]}), '$', 1)",
    ],
)
def test_paths_with_an_index_or_to_the_root_are_refused(call):
    # "Array indexing isn't supported"; bag_set_key: nor the root
    with pytest.raises(KqlError, match=r"index of an array|the root"):
        ask(call)


def columns(query):
    return Database().query(query).columns


def test_jaccard_index_is_a_dynamic():
    result = Database().query("print j = jaccard_index(dynamic([1, 2, 2]), dynamic([1, 2, 3, 4]))")
    assert (list(result.columns), result.rows) == ([("j", "dynamic")], [[0.5]])


def test_sorted_arrays_are_columns_of_their_own():
    # array-sort-asc: array1_sorted, array2_sorted; one array alone is a value as any other (print_0)
    both = "let a = dynamic([2, 1]); let b = dynamic([3, 4]); print array_sort_asc(a, b)"
    assert [name for name, _ in columns(both)] == ["a_sorted", "b_sorted"]
    assert [name for name, _ in columns("print array_sort_asc(dynamic([2, 1]), false), 1")] == [
        "print_0",
        "print_1",
    ]
    # series-fit-2lines, syntax: beyond the names that are given, project shows the rest, extend does not
    rest_of = "print a = dynamic([2]), b = dynamic([3]) | {} (c) = array_sort_asc(a, b)"
    assert [name for name, _ in columns(rest_of.format("project"))] == ["c", "b_sorted"]
    assert [name for name, _ in columns(rest_of.format("extend"))] == ["a", "b", "c"]
    # one name without a list: the analyser shows the rest after extend too
    one = rest_of.format("extend").replace("(c)", "c")
    assert [name for name, _ in columns(one)] == ["a", "b", "c", "b_sorted"]


def test_a_deep_value_does_not_break_treepath():
    text = "[" * 900 + "]" * 900
    assert len(ask(f"treepath(parse_json('{text}'))")) == 899


@pytest.mark.parametrize(
    "call", ["bag_pack(1, 2)", "pack('a', 1, true, 2)", "extract_json(1, '{}')", "extract_json('$.a', 5)"]
)
def test_keys_and_paths_are_texts(call):
    with pytest.raises(KqlError, match="takes a string"):
        ask(call)


def test_repeat_is_bounded():
    assert ask("array_length(repeat(dynamic({'a': 1}), 9223372036854775807))") == 1_048_576
    assert ask("repeat(',', 2)") == [",", ","]
    with pytest.raises(KqlError, match="67108864 characters") as caught:
        ask("repeat(tostring(range(1, 1000)), 9223372036854775807)")
    assert caught.value.kind == "unsupported"


def test_ranges_without_an_end_are_null():
    assert ask("range(1.0, real(+inf))") is None
    assert ask("range(1, 9, real(nan))") is None


def test_a_bool_indexes_an_array():
    # dynamic, object accessors: arr[index], the column is an integer or a boolean
    query = "datatable(b:bool)[true, false, bool(null)] | extend a = dynamic([10, 20]) | project a[b]"
    assert Database().query(query).rows == [[20], [10], [None]]
