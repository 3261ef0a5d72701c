"""Scalar functions as their pages in Kusto's documentation have them; each block names its page.

The inputs and answers are facts of those pages (MicrosoftDocs/dataexplorer-docs, read 2026-11-21) unless the line
says otherwise.
"""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError, rest


def ask(query):
    answer = Database().query(query)
    return rest.rows(answer.rows, answer.columns)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # tohex: an int has 8 digits where it is negative, a long 16; at most 16 in all
        ("tohex(256)", "100"),
        ("tohex(-256)", "ffffffffffffff00"),
        ("tohex(toint(-256), 8)", "ffffff00"),
        ("tohex(toint(-256), 2)", "ffffff00"),
        ("tohex(256, 8)", "00000100"),
        ("tohex(256, 2)", "100"),
        ("tohex(256, 20)", "0000000000000100"),
        # replace_strings: what is replaced is not looked at again; an earlier search chooses first
        (
            "replace_strings('a cat into a dog', dynamic(['cat', 'dog']), dynamic(['dog', 'pigeon']))",
            "a dog into a pigeon",
        ),
        ("replace_strings('This is', dynamic(['This', 'is']), dynamic(['This', 'was']))", "This was"),
        ("replace_strings('This is', dynamic(['is', 'This']), dynamic(['was', 'This']))", "Thwas was"),
        ("replace_strings('This is', dynamic(['This', 'is']), dynamic([12345, 'was']))", "This was"),
        ("replace_strings('a1b', dynamic([1, 'a']), dynamic(['x', 'y']))", "y1b"),
        # punycode_domain_from_string decodes, punycode_domain_to_string encodes; other full stops part labels too
        ("punycode_domain_from_string('xn--Ge-mia.Bulg.edu')", "Gáe.Bulg.edu"),
        ("punycode_domain_from_string('xn--Ry-lja8c.xn--Jng-uta63a.com')", "Rúyì.Jīngū.com"),
        ("punycode_domain_to_string('Riðill｡Skáldskaparmál｡org')", "xn--Riill-jta.xn--Skldskaparml-dbbj.org"),
        (
            "punycode_domain_to_string('Lê Lợi。Thuận Thiên。com')",
            "xn--L Li-gpa4517b.xn--Thun Thin-s4a7194f.com",
        ),
        ('punycode_domain_to_string("Kaledvoulc\'h.Artorījos.edu")', "Kaledvoulc'h.xn--Artorjos-ejb.edu"),
        ("punycode_from_string('艺术')", "cqv902d"),
        ("punycode_to_string('acadmie-franaise-npb1a')", "académie-française"),
        ("punycode_to_string('é')", ""),
        # url_encode, url_encode_component: they differ by the space
        (
            "url_encode('https://www.bing.com/hello world/')",
            "https%3a%2f%2fwww.bing.com%2fhello+world%2f",
        ),
        (
            "url_encode_component('https://www.bing.com/hello world/')",
            "https%3a%2f%2fwww.bing.com%2fhello%20world%2f",
        ),
        # gzip_decompress_from_base64_string: a broken text and a header with a flag give the empty text
        (
            "gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==')",
            "1234567890qwertyuiop",
        ),
        ("gzip_decompress_from_base64_string('x0x0x0')", ""),
        ("gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2')", ""),
        ("gzip_decompress_from_base64_string('H4sICAAAAAAC/2EAy8gEAKwqk9gCAAAA')", ""),
        ("zlib_decompress_from_base64_string('eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=')", "Test string 123"),
        # hash: a datetime by the eight bytes of its ticks
        ("hash(datetime(2015-01-01))", 1380966698541616202),
        ("hash('World')", 1846988464401551951),
        ("hash('World', 100)", 51),
        # parse_command_line, as CommandLineToArgvW (R. Chen's page of 2010-09-17 has the backslashes)
        ("parse_command_line('echo \"hello world!\"', 'windows')", ["echo", "hello world!"]),
        (
            r"""parse_command_line(@'"C:\Program Files\a.exe" "hello\"there" "hello\\" \\srv\s', 'windows')""",
            [r"C:\Program Files\a.exe", 'hello"there', "hello\\", r"\\srv\s"],
        ),
        (r"""parse_command_line(@'x ""  a" "b ', 'windows')""", ["x", "", "a b"]),
        # datetime_local_to_utc: the clocks of Brussels went from 2:00 to 3:00
        (
            "datetime_local_to_utc(datetime(2022-03-27 02:00), 'Europe/Brussels')",
            "2022-03-27T00:00:00.0000000Z",
        ),
        (
            "datetime_local_to_utc(datetime(2022-03-27 03:00), 'Europe/Brussels')",
            "2022-03-27T01:00:00.0000000Z",
        ),
        (
            "datetime_local_to_utc(datetime(2020-02-02 20:02:20), 'US/Pacific')",
            "2020-02-03T04:02:20.0000000Z",
        ),
        ("datetime_utc_to_local(datetime(0001-01-01), 'US/Pacific')", None),
        # parse_ipv6_mask, ipv6_compare: ::a.b.c.d is the IPv4 address
        ("parse_ipv6_mask('::192.168.255.255', 128)", "0000:0000:0000:0000:0000:ffff:c0a8:ffff"),
        ("parse_ipv6_mask('::192.168.255.255/24', 128)", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
        ("ipv6_compare('::192.168.1.1/30', '192.168.1.255/24')", 0),
        # max_of, min_of: scalars of one type that have an order; values before nulls (KS206 and KS232 of the analyser)
        ("max_of(true, false)", True),
        ("max_of(decimal(9.5), decimal(12), decimal(null))", "12"),
        ("min_of(decimal(9.5), decimal(12), decimal(null))", "9.5"),
        ("max_of('b', 'a')", "b"),
        ("max_of(int(null), 2)", 2),
        # trim: one pattern for both ends (duckdb-kql, read off Kusto's error messages)
        ("trim('a)|(b', 'xaxbx')", "xxx"),
        ("trim('a', 'aaaa')", "aa"),
        (r"trim(@'[^\w]+', '-  Te st1// $')", "Te st1"),
        # convert_*: every page's example; names are case-sensitive and other names give null
        ("round(convert_angle(1.2, 'Degree', 'Arcminute'), 12)", 72.0),
        ("round(convert_energy(1.2, 'Joule', 'BritishThermalUnit'), 17)", 0.00113738054437598),
        ("convert_force(1.2, 'Newton', 'Decanewton')", 0.12),
        ("round(convert_mass(1.2, 'Kilogram', 'Pound'), 14)", 2.64554714621853),
        ("round(convert_speed(1.2, 'MeterPerSecond', 'CentimeterPerHour'), 6)", 432000.0),
        ("convert_temperature(1.2, 'Kelvin', 'DegreeCelsius')", -271.95),
        ("round(convert_length(1.2, 'Meter', 'Foot'), 14)", 3.93700787401575),
        ("round(convert_volume(1.2, 'CubicMeter', 'AcreFoot'), 16)", 0.0009728568),
        ("round(convert_angle(0.5, 'Tilt', 'Degree'), 12)", 30.0),
        ("round(convert_angle(30, 'Degree', 'Tilt'), 12)", 0.5),
        ("convert_length(1.2, 'meter', 'Foot')", None),
        # beta_cdf, beta_pdf, beta_inv: examples and notes
        ("round(beta_cdf(0.9, 10.0, 20.0), 15)", 0.999999999999959),
        ("beta_cdf(1.5, 10.0, 20.0)", "NaN"),
        ("beta_cdf(-10.0, 10.0, 20.0)", "NaN"),
        ("beta_cdf(0.1, -1.0, 20.0)", "NaN"),
        ("beta_cdf(0.1, 1.0, 10001.0)", "NaN"),
        ("beta_cdf(real(null), -1.0, 1.0)", None),
        ("beta_cdf(0, 2, 3)", 0.0),
        ("beta_cdf(1, 2, 3)", 1.0),
        ("round(beta_pdf(0.5, 10.0, 20.0), 15)", 0.746176019310951),
        ("beta_pdf(1.0, 10.0, 20.0)", "NaN"),
        ("round(beta_inv(0.1, 10.0, 20.0), 15)", 0.226415022388749),
        ("beta_inv(1.5, 10.0, 20.0)", None),
        ("beta_inv(0.1, -1.0, 20.0)", "NaN"),
        # parse_xml: the table of the page, its example, its notes
        ("parse_xml('<e/>')", {"e": None}),
        ("parse_xml('<e>text</e>')", {"e": "text"}),
        ("parse_xml('<e name=\"value\" />')", {"e": {"@name": "value"}}),
        ("parse_xml('<e name=\"value\">text</e>')", {"e": {"@name": "value", "#text": "text"}}),
        ("parse_xml('<e> <a>text</a> <b>text</b> </e>')", {"e": {"a": "text", "b": "text"}}),
        ("parse_xml('<e> <a>text</a> <a>text</a> </e>')", {"e": {"a": ["text", "text"]}}),
        ("parse_xml('<e> text <a>text</a> </e>')", {"e": {"#text": "text", "a": "text"}}),
        (
            "parse_xml('<?xml version=\"1.0\" encoding=\"UTF-8\"?><duration> <value>118.0</value><!-- x --></duration>')",
            {"duration": {"value": 118.0}},
        ),
        ("parse_xml('<e>').e", None),
        ("isnull(parse_xml('<e>'))", True),
        ("parse_xml('<e>&lt;&amp;</e>').e", "<&"),
        # unicode_codepoints_to_string: one that is no code point makes the whole null, that is empty
        ("unicode_codepoints_to_string(75, dynamic([117, 115]), 116, 111)", "Kusto"),
        ("unicode_codepoints_to_string(75, -1)", ""),
        ("unicode_codepoints_to_string(75, 0xD800)", ""),
        # regex_quote: the characters that mean something, no others
        ("regex_quote('(so$me.Te^xt)')", r"\(so\$me\.Te\^xt\)"),
        (r"regex_quote(@'a b/c_é\[x]{1}-#')", r"a b/c_é\\\[x\]\{1\}\-\#"),
        (r"@'a.b\(c)' matches regex regex_quote(@'a.b\(c)')", True),
        # extent_id, extent_tags: of data that is in no shard
        ("extent_id()", "00000000-0000-0000-0000-000000000000"),
        ("extent_tags()", None),
        # format_datetime, format_timespan: rows of their tables
        ("format_datetime(datetime(0900-01-01), 'y yy yyyy')", "0 00 0900"),
        ("format_datetime(datetime(2009-06-15T13:45:30.6175425), 'f fff FFFFFFF h HH tt')", "6 617 6175425 1 13 PM"),
        ("format_timespan(time(15.13:45:30.6170000), 'd dd ddd H HH f fff FFFF')", "15 15 015 13 13 6 617 617"),
        ("format_timespan(time(15.13:45:30.0500000), '[F]')", "[]"),
        ("format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss:FF')", "29.09:00:05:12"),
        # the datetime data type: year.month.day as its table of literals writes it
        ("datetime(2015.12.31 23:59:59.9)", "2015-12-31T23:59:59.9000000Z"),
        # the datetime data type: an empty literal is the current time
        ("datetime() == now()", True),
        ("date () - now()", "00:00:00"),
    ],
)  # fmt: skip
def test_a_value_is_what_its_page_says(expression, value):
    assert ask(f"print x = {expression}") == [[value]]
    assert ask(f"datatable(one:long)[1] | extend x = {expression} | project x") == [[value]]


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("max_of(dynamic(1), 2)", "takes no dynamic"),
        ("max_of('a', 1)", "no type"),
        ("trim('', 'a')", "not empty"),
        ("parse_command_line('a', 'posix')", "windows"),
        ('parse_command_line(\'a "b""c"\', "windows")', "doubled quote"),
        ('parse_xml(\'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>\')', "entities"),
        ("parse_xml(strcat(strrep('<a>', 1000), strrep('</a>', 1000)))", "200 deep"),
        ("unicode_codepoints_to_string(75, 1.5)", "whole numbers"),
        ("format_timespan(1h, 'y')", "knows no 'y'"),
        ("format_timespan(1h, '')", "empty"),
        ("format_datetime(now(), 'yyyyT')", "knows no 'T'"),
        ("hash(1.5)", "hash() of a real"),
        ("punycode_from_string(strcat(strrep('é', 1024), strrep('a', 1024), strrep(strrep('b', 1000), 10)))", "10000 characters"),
    ],
)  # fmt: skip
def test_what_has_no_known_answer_is_refused_by_name(expression, word):
    with pytest.raises(KqlError) as refused:
        ask(f"print x = {expression}")
    assert word in refused.value.message
    assert "Python" not in refused.value.message


def test_welch_test_gives_the_p_value_of_its_page():
    # docs: welch_test; the second of Wikipedia's examples, p = 0.021
    first = "27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4"
    second = "27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4"
    rows = ask(f"""
        print a = dynamic([{first}]), b = dynamic([{second}])
        | mv-expand a to typeof(double), b to typeof(double)
        | summarize m1 = avg(a), v1 = variance(a), c1 = count(), m2 = avg(b), v2 = variance(b), c2 = count()
        | project round(welch_test(m1, v1, c1, m2, v2, c2), 3), welch_test(m1, v1, 1, m2, v2, c2)
    """)
    assert rows == [[0.021, None]]


@pytest.mark.parametrize(
    "family", ["angle", "energy", "force", "length", "mass", "speed", "temperature", "volume"]
)
def test_every_unit_converts_there_and_back(family):
    from seawall.kql.functions.codecs.units import convert, units

    names = list(units(family))
    base = next(name for name in names if not units(family)[name])
    for name in names:
        value = convert(family, 0.25, name, base)
        assert value is not None
        assert convert(family, value, base, name) == pytest.approx(0.25, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (1, 3), (10, 20), (2.5, 400), (5000, 2)])
def test_beta_inv_is_the_inverse_of_beta_cdf(alpha, beta):
    # docs: beta_inv
    for probability in (1e-6, 0.1, 0.5, 0.9):
        query = f"beta_cdf(beta_inv({probability!r}, {alpha}, {beta}), {alpha}, {beta})"
        assert ask(f"print {query}")[0][0] == pytest.approx(probability, rel=1e-9)


CHECK = """
    let checked = (size: long, text: string) {
        assert(size > 0, "the size must be above zero") and strlen(text) > size
    };
    datatable(text: string)['123', '4567'] | where checked(size = SIZE, text)
"""


def test_assert_stops_a_query_where_its_condition_is_false():
    # docs: assert; a named argument in its own place may be followed by one that has no name
    assert ask(CHECK.replace("SIZE", "3")) == [["4567"]]
    with pytest.raises(KqlError, match="the size must be above zero"):
        ask(CHECK.replace("SIZE", "long(-1)"))


@pytest.mark.parametrize(
    ("arguments", "answer"), [("a = 1, 2, 3", 123), ("1, b = 2, 3", 123), ("1, c = 3, b = 2", 123)]
)
def test_arguments_stand_at_their_place_or_have_their_name(arguments, answer):
    # Microsoft's analyser: the place of an argument without a name is that among all arguments
    assert ask(f"let f = (a: long, b: long, c: long) {{ a * 100 + b * 10 + c }}; print f({arguments})") == [
        [answer]
    ]


@pytest.mark.parametrize("arguments", ["b = 1, 2, 3", "1, c = 2, 3", "1, a = 2, 3", "1, 2, 3, 4"])
def test_arguments_out_of_their_place_are_refused(arguments):
    # KS195
    with pytest.raises(KqlError):
        ask(f"let f = (a: long, b: long, c: long) {{ a * 100 + b * 10 + c }}; print f({arguments})")


def test_a_name_may_begin_with_a_digit_where_it_is_no_timespan():
    # Microsoft's analyser: 1d is a timespan, 1D and 1d2 are names
    assert ask(
        "let 1x = 5; print 2abc = 1x + 1 | extend 3d_x = 2abc, t = 1d, 1e = 1e3 | project 3d_x, t, 1e"
    ) == [[6, "1.00:00:00", 1000.0]]
    assert ask('print a = dynamic({"1a": 5}) | project a.1a') == [[5]]
    for text in ("1D", "1Hour", "1w", "5dd"):
        with pytest.raises(KqlError, match="there is no column"):
            ask(f"print x = {text}")
    with pytest.raises(KqlError, match="neither a number nor a timespan"):
        ask("print x = 1.5Hh")
