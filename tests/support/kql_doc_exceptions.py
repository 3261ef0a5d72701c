"""Documentation cases whose answer differs from the documented one, each with its reason.

Index into kql_doc_cases.jsonl -> reason. Cases that are refused by name are not listed here: the test counts them
by what refuses them.
"""

from __future__ import annotations

SLIPS = {
    1: "rand()",
    2: "rand()",
    36: "reads the table StormEvents, which is not in the example",
    208: "rand() over five million rows: a number by chance",
    221: "the page prints (null) for a null",
    225: "the page has an unbalanced quote in its answer",
    228: "the page prints &nbsp; for an empty cell",
    229: "rand()",
    230: "rand()",
    231: "rand()",
    232: "new_guid()",
    266: "the page abbreviates the answer with dots",
    268: "two answers in one table",
    275: "reals are printed with six digits on this old page; tostring(1) is '1' (specs b.7: replace_*)",
    288: "the page quotes two of the numbers",
    299: "the answer is of another input than the query's",
    302: "the answer is of another input than the query's",
    323: "the answer quotes another text than the query",
    328: "new_guid()",
    330: "the example uses a column that it does not make",
    334: "the answer's original ends in a slash that the query does not have",
    336: "reads the table PageViewsSample, which is not in the example",
    250: "reads the table StormEvents",
    281: "the page shows userID first; the query projects it third",
    251: "reads the table StormEvents",
    308: "reads the table StormEvents",
    339: "833 is the population variance of 2, 4 .. 100; the page has the sample variance of another range",
    343: "zlib may compress to different bytes; what is compressed reads back the same (tested below)",
    200: "the page shows the lookup's columns first; the analyser and ipv4_lookup's page show the left ones first",
    201: "as above",
}

CHANCE = {1, 2, 208, 229, 230, 231, 232, 328}
"""Slips whose answer is a matter of chance: one may agree with the page now and then."""

NAMES = {
    44: "the page names print's column by hand",
    309: "the page names print's column by hand",
    320: "the page names print's column by hand",
    65: "Id is printed as ID",
    66: "Id is printed as ID",
    67: "Id is printed as ID",
    68: "Id is printed as ID",
    205: "the page shows Value1 for the right side's Value2",
    253: "the analyser names the column percentiles_LatencyBucket",
    254: "the analyser names the column percentiles_LatencyBucket",
    338: "the page names variancep_x variance_x",
    342: "the page prints print_0 for an extended column",
}
"""Cases whose rows are equal and whose column names are not."""

REFUSED = {
    233: "graph: make-graph (the data file counts this page as core)",
    234: "graph: make-graph (the data file counts this page as core)",
    271: "reduce: machine learning, and over rand(); how it clusters is not published",
    272: "reduce: machine learning; how it clusters is not published",
    273: "reduce: machine learning; how it clusters is not published",
    295: "series_periods_validate(): how it scores is not published; no autocorrelation that we know gives the 0.84",
    335: "estimate_data_size() of a sketch: the size of Kusto's own encoding, which the page says may change",
}
"""Cases that need no geo and no graph page and are refused by name all the same: no answer of ours would be known to be right."""
