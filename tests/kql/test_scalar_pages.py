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
        ("hash(1.5)", "hash() of a real"),
        ("punycode_from_string(strcat(strrep('é', 1024), strrep('a', 1024), strrep(strrep('b', 1000), 10)))", "10000 characters"),
    ],
)  # fmt: skip
def test_what_has_no_known_answer_is_refused_by_name(expression, word):
    with pytest.raises(KqlError) as refused:
        ask(f"print x = {expression}")
    assert word in refused.value.message
    assert "Python" not in refused.value.message
