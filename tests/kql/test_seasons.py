"""series_seasonal(): the medians of a period; a period is found only where none could miss it."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError


def seasonal(series, *period):
    arguments = ", ".join([f"dynamic({series})", *map(str, period)])
    return Database().query(f"print series_seasonal({arguments})").rows[0][0]


WEEK = [10, 20, 30, 40, 50, 60, 70]


@pytest.mark.parametrize(
    ("series", "period", "expected"),
    [
        ([1, 3, 9, 1, 5, 8, 4], (3,), [1, 4, 8.5, 1, 4, 8.5, 1]),  # medians of 1 1 4, 3 5, 9 8
        ([1, 2, 3], (0,), [0, 0, 0]),  # docs: another value than a positive one or -1 gives zeros
        ([1, 2, 3], (-2,), [0, 0, 0]),
        (WEEK * 5, (), WEEK * 5),
        (WEEK * 5, (-1,), WEEK * 5),
        ([1, 5, 2, 4] * 2, (), [0] * 8),  # a period of half the series is too long to be found
    ],
)
def test_seasonal_part(series, period, expected):
    assert seasonal(series, *period) == expected


def test_a_stray_point_does_not_hide_the_period():
    series = WEEK * 5
    series[9] = 5000
    assert seasonal(series) == WEEK * 5


@pytest.mark.parametrize(
    "series",
    [
        list(range(40)),  # a trend is like itself at each distance
        [1, 2] * 20,  # shorter than what is found: four, six ... would do as well
        [3] * 40,
        [1, None, 2, 3] * 10,
        [*WEEK * 2, 99, *WEEK * 3],  # a point in between shifts the rounds
    ],
)
def test_where_it_would_be_a_guess_it_is_refused(series):
    text = str(series).replace("None", "null")
    with pytest.raises(KqlError) as caught:
        seasonal(text)
    assert caught.value.kind == "unsupported"


def test_a_third_argument_is_refused():
    with pytest.raises(KqlError, match="third argument"):
        seasonal([1, 2, 3], 2, 1)
