"""Regular expressions as the page `regex` of Kusto's documentation has them; queries are our own."""

from __future__ import annotations

import random
import time

import duckdb
import pytest

from seawall.kql import Database, KqlError, Limits, rest
from seawall.kql.functions.patterns import _replace
from seawall.kql.regex import compile_regex
from seawall.kql.regex.pike import program


def ask(query):
    answer = Database().query(query)
    return rest.rows(answer.rows, answer.columns)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        # match one character: classes know all of Unicode
        (r"\d", "x٣", "٣"),
        (r"\D+", "٣x", "x"),
        (r"\p{Greek}+", "aαβ", "αβ"),
        (r"\P{Greek}+", "αab", "ab"),
        (r"\pN+", "x٣4", "٣4"),
        (r"\p{Letter}+", "1é", "é"),
        (r"a.b", "a\nb a-b", "a-b"),
        # character classes: nested, intersected, subtracted, symmetric difference
        (r"[x[^xyz]]+", "yzab", "ab"),
        (r"[a-y&&xyz]+", "abxyz", "xy"),
        (r"[0-9&&[^4]]+", "4123", "123"),
        (r"[0-9--4]+", "4123", "123"),
        (r"[a-g~~b-h]+", "bcah", "ah"),
        (r"[\[\]]+", "a[]", "[]"),
        (r"[[:^alpha:]]+", "ab12", "12"),
        (r"[a-c&&[^b]é]+", "bacé", "ac"),
        (r"[^\W_]+", "__été_", "été"),
        (r"[\W_]+", "é_ -é", "_ -"),
        # repetitions
        (r"a{2,3}?", "aaaa", "aa"),
        (r"a{2,}", "aaaa", "aaaa"),
        (r"(?:a*)*b", "aab", "aab"),
        # empty matches: borders of words of Unicode
        (r"\bb\w*", "éb été bé", "bé"),
        (r"\Bb", "b éb", "b"),
        (r"\<\w+\>", "-é-", "é"),
        (r"\b{start}é\b{end}", "éé é", "é"),
        (r"\b{start-half}b", "éb b", "b"),
        (r"(?m)^b$", "a\nb\nc", "b"),
        (r"\Aa\z", "a", "a"),
        # grouping and flags
        (r"(?<first.part>é)", "é", "é"),
        (r"(?i)É+(?-i)x", "éÉx", "éÉx"),
        (r"(?i)[^k]", "k\u212aKx", "x"),
        (r"(?is:A.B)", "a\nb", "a\nb"),
        (r"(?U)a+", "aaa", "a"),
        (r"(?x) a \  b  # a comment", "a b", "a b"),
        (r"(?-u:\w)+", "éab", "ab"),
        # escape sequences
        (r"\u0041\x{42}\u{43}\U00000044\x45", "ABCDE", "ABCDE"),
        (r"\101\t\*", "A\t*", "A\t*"),
        # ASCII character classes
        (r"[[:word:]]+", "é_a1", "_a1"),
        (r"[[:xdigit:]]+", "gF0", "F0"),
        (r"[[:punct:]]+", "a!~", "!~"),
        # Perl classes: white space of Unicode
        (r"\s+", "a\u00a0\u2003b", "\u00a0\u2003"),
        (r"\S+", "\u00a0b", "b"),
        (r"\w+", "-a\u0301\u200d٣-", "a\u0301\u200d٣"),
    ],
)  # fmt: skip
def test_a_pattern_finds_what_the_page_says(pattern, text, found):
    db = Database()
    db.add_table("T", [("p", "string"), ("t", "string")], [[pattern, text]])
    literal = "@'" + pattern.replace("'", "''") + "'"
    rows = db.query(f"T | project extract({literal}, 0, t), t matches regex {literal}").rows
    assert [list(row) for row in rows] == [[found, found != "" or program(pattern).search(text) is not None]]
    # a pattern from a column is read row by row
    assert [list(row) for row in db.query("T | project extract(p, 0, t)").rows] == [[found]]
    # our own machine says the same
    spans = (
        program(pattern).search(text) if r"\p{Greek}" not in pattern.lower().replace("p{g", "p{G") else None
    )
    if spans is not None:
        assert text[spans[0] : spans[1]] == found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (r"extract_all(@'\b(\w)', 'été là 12')", ["é", "l", "1"]),
        (r"extract_all(@'\b(\w)(\w)?', dynamic([2, 1]), 'été à')", [["t", "é"], ["", "à"]]),
        (r"extract_all(@'(?P<a>\w)(?<b>\d)', dynamic(['b', 'a']), 'é1')", [["1", "é"]]),
        (r"extract_all(@'\b(x)', 'été')", None),
        (r"replace_regex('été là', @'\b(\w)', @'[\1\0\\]')", "[éé\\]té [ll\\]à"),
        (r"countof('été là', @'\b\w', 'regex')", 2),
        (r"trim(@'\b\w', 'été')", "té"),
        (r"indexof_regex('aé bé', @'\bb')", 3),
        (r"indexof_regex(strrep('ab', 300), 'b', 0, -1, 200)", 399),
        (r"indexof_regex(strrep('ab', 3), 'b', 0, -1, 200)", -1),
        ("extract(@'(a)|(b)', 2, 'a')", ""),
    ],
)  # fmt: skip
def test_functions_with_borders_of_words_beyond_ascii(expression, value):
    assert ask(f"print x = {expression}") == [[value]]


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (r"(?=a)", "no lookaround"),
        (r"(?<!a)b", "no lookaround"),
        ("[a", "not closed"),
        ("(a", "not closed"),
        ("a)", "no opening one"),
        ("*a", "nothing to repeat"),
        ("a{3,2}", "ends before it begins"),
        (r"\y", "no meaning"),
        (r"\x{110000}", "hexadecimal"),
        (r"[b-a]", "no range"),
        (r"(?R)a", "flag R"),
        (r"(?<1>a)", "no name"),
        (r"(?<a>x)(?<a>y)", "two groups"),
        (r"\p{Nonsense9}", "not known"),
        (r"\pX", "not known"),
        (r"[\p{Greek}&&[^α]]", "Greek"),
        ("(" * 200 + ")" * 200, "100 deep"),
        ("[" * 200 + "]" * 200, "100 deep"),
        ("a" + "*" * 50, "too many"),
        ("a" * 5000, "4,000"),
    ],
)
def test_what_the_dialect_does_not_have_is_told_with_its_place(pattern, word):
    with pytest.raises(KqlError) as refused:
        ask(f"print 'a' matches regex @'{pattern}'")
    assert word in refused.value.message
    assert refused.value.line == 1


ATOMS = [
    "a",
    "b",
    "σ",
    r"\d",
    r"\w",
    r"\s",
    ".",
    "[ab]",
    "[^a]",
    r"[\w-]",
    r"\W",
    "1",
    "^",
    "$",
    "[a-c&&[^b]]",
    r"\S",
    r"[^\W\d]",
]
BORDERS = [r"\b", r"\B"]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{1,}"]


def _pattern(chance, atoms, depth=0):
    pick = chance.random()
    if depth > 3 or pick < 0.35:
        return chance.choice(atoms)
    if pick < 0.6:
        return _pattern(chance, atoms, depth + 1) + _pattern(chance, atoms, depth + 1)
    if pick < 0.7:
        return f"(?:{_pattern(chance, atoms, depth + 1)}|{_pattern(chance, atoms, depth + 1)})"
    if pick < 0.8:
        return f"({_pattern(chance, atoms, depth + 1)})"
    return f"(?:{_pattern(chance, atoms, depth + 1)}){chance.choice(REPEATS)}"


@pytest.mark.parametrize(
    ("atoms", "letters", "part"),
    [([*ATOMS, *BORDERS], "abAB1 -_\n", "ascii"), (ATOMS, "abA1 -\néÉαΣσς٣\u00a0\u212aſ", "full")],
)
def test_our_machine_and_re2_agree_on_random_patterns(atoms, letters, part):
    chance = random.Random(20261121)  # noqa: S311 - a fixed choice of patterns, no secret
    connection = duckdb.connect()
    for _ in range(600):
        pattern = chance.choice(["", "", "(?i)", "(?m)", "(?s)"]) + _pattern(chance, atoms)
        text = "".join(chance.choice(letters) for _ in range(chance.randint(0, 8)))
        written = getattr(compile_regex(pattern), part)
        theirs = connection.execute(
            "SELECT regexp_extract($1, $2, 0), regexp_replace($1, $2, '<\\0>', 'g')", [text, written]
        ).fetchone()
        spans = program(pattern).search(text)
        ours = ("" if spans is None else text[spans[0] : spans[1]], _replace(text, pattern, r"<\0>"))
        assert ours == theirs, (pattern, text, written)


@pytest.mark.parametrize("pattern", [r"(a*)*\b$", r"(\w+\s*)+\bx", r"(a|aa)+\bb", r"(x+x+)+y\b"])
def test_hostile_patterns_take_no_more_than_pattern_times_text(pattern):
    began = time.perf_counter()
    program(pattern).matches("aé" * 1000 + "x" * 1000)
    assert time.perf_counter() - began < 20  # a backtracking matcher would need longer than there is time


def test_a_pattern_that_repeats_too_much_is_refused():
    with pytest.raises(KqlError) as refused:
        ask(r"print extract(@'\b(?:(?:a{500}){500})b', 0, 'é')")
    assert refused.value.kind == "unsupported"


def test_a_text_too_long_for_our_machine_is_refused():
    text = "strcat('é', strrep(strrep('ab ', 1000), 1000))"
    with pytest.raises(KqlError) as refused:
        ask(rf"print replace_regex({text}, @'\b(?:(?:a|b)*)*x', '')")
    assert refused.value.kind == "unsupported"


def test_the_time_limit_holds_between_the_rows_of_our_functions():
    database = Database(limits=Limits(seconds=1))
    began = time.perf_counter()
    with pytest.raises(KqlError, match="longer than 1 seconds"):
        database.query(
            r"range i from 1 to 2000 step 1 | extend t = strcat('é', i, strrep(strrep('ab ', 100), 30)) "
            r"| summarize sum(countof(t, @'\b(?:(?:a|b)*)*x', 'regex'))"
        )
    assert time.perf_counter() - began < 20  # alone the rows would take many minutes


def test_a_script_beside_a_border_of_words_is_answered_for_ascii_only():
    assert ask(r"print extract(@'\b\p{Latin}+', 0, '-ab')") == [["ab"]]
    with pytest.raises(KqlError, match="Greek") as refused:
        ask(r"print extract(@'\b\p{Greek}+', 0, 'αβ')")
    assert refused.value.kind == "unsupported"


def test_parse_and_parse_kv_read_the_dialect_too():
    assert ask(r"print t = 'é٣x' | parse kind=regex t with @'\w' n @'\p{Ll}' | project n") == [["٣"]]
    query = r"print t = 'éa=1 àb=2' | parse-kv t as (a: long, b: long) with (regex = @'\w\b{start-half}?(\w)=(\d)') | project b, a"
    assert ask(query) == [[2, 1]]
    with pytest.raises(KqlError, match="ASCII only"):
        ask(r"print t = 'é b' | parse kind=regex t with @'\bb' n")
