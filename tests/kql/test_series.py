"""Series functions, as their pages have them; numbers of other programs say which. Queries are our own."""

from __future__ import annotations

import cmath
import math

import pytest

from seawall.kql import Database, KqlError, rest
from seawall.kql.functions.series.filters import transform
from seawall.kql.functions.series.fits import fit_poly


def ask(expression):
    result = Database().query(f"print x = {expression}")
    return rest.rows(result.rows, result.columns)[0][0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # series-floor, series-ceiling give reals; series-sign and series-abs leave whole numbers whole
        ("tostring(series_floor(dynamic([-1.5, 1, 2.5])))", "[-2.0,1.0,2.0]"),
        ("tostring(series_ceiling(dynamic([-1.5, 1, 2.5])))", "[-1.0,1.0,3.0]"),
        ("tostring(series_sign(dynamic([-6, 0, 8, 'a'])))", "[-1,0,1,null]"),
        ("series_exp(dynamic([1000]))", ["Infinity"]),
        ("series_pow(dynamic([-10, 0, -8, 2]), dynamic([309, -1, 0.5]))", ["-Infinity", "Infinity", "NaN", None]),
        # series-divide: doubles, by zero as doubles
        ("series_divide(dynamic([2, 0, -1]), 0)", ["Infinity", "NaN", "-Infinity"]),
        ("series_product(range(1, 300))", "Infinity"),
        # series-pearson-correlation: null where an element has no partner
        ("series_pearson_correlation(dynamic([1, 2, 3]), dynamic([2, 4]))", None),
        ("series_pearson_correlation(dynamic([1, null, 3]), dynamic([2, 4, 6]))", None),
        ("series_pearson_correlation(dynamic([1, 1]), dynamic([2, 4]))", "NaN"),
        # series-dot-product, series-cosine-similarity: the longer is cut, what is no number is ignored, empty is null
        ("series_dot_product(dynamic([1, 2, 'a', 3]), dynamic([4, 5, 6]))", 14.0),
        ("series_dot_product(dynamic([]), dynamic([1]))", None),
        ("series_cosine_similarity(dynamic([3, 4, 100]), dynamic([3, 4]))", 1.0),
        ("series_cosine_similarity(dynamic([]), dynamic([1]))", None),
        # series-fir: normalized where no weight is negative; asked for with one that is, null
        ("series_fir(dynamic([0, 0, 3, 0]), dynamic([1, 1, 1]))", [0.0, 0.0, 1.0, 1.0]),
        ("series_fir(dynamic([0, 0, 3, 0]), dynamic([2, -1]))", [0.0, 0.0, 6.0, -3.0]),
        ("series_fir(dynamic([0, 0, 3, 0]), dynamic([1, -1]), true)", None),
        ("series_fir(dynamic([0, 0, 3, 0]), dynamic([1, 1, 1]), true, true)", [0.0, 1.0, 1.0, 1.0]),
        # series-fill-linear: whole numbers stay whole, 0 for a series of nothing
        ("series_fill_linear(dynamic([null, 41, null, null, 16, null]))", [41, 41, 32, 24, 16, 16]),
        ("series_fill_linear(dynamic([null, 41.0, null, 16, null]), real(null), false)", [None, 41.0, 28.5, 16, None]),
        ("series_fill_linear(dynamic([null, null]))", [0.0, 0.0]),
        ("series_fill_linear(dynamic([0, 5, 0, 7, 0]), 0)", [5, 5, 6, 7, 7]),
        ("series_fill_forward(dynamic([null, 1, null]))", [None, 1, 1]),
        # series-stats-dynamic has sum and len too
        ("series_stats_dynamic(dynamic([3, 1, 1])).sum", 5.0),
        ("series_stats_dynamic(dynamic([3, null, 1]), true).len", 3),
    ],
)  # fmt: skip
def test_a_value_is_what_its_page_says(expression, value):
    assert ask(expression) == value


def test_a_line_as_its_page_has_it():
    # series-fit-line: 0.982, 2.730, 98.628, 1.686, -1.666, and a line from 1.064 to 31.102
    y = "dynamic([2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30])"
    query = (
        f"print y = {y} | project (r, slope, variance, rest, cross, line) = series_fit_line(y)"
        " | project round(r, 3), round(slope, 3), round(variance, 3), round(rest, 3), round(cross, 3), line"
    )
    *numbers, line = Database().query(query).rows[0]
    assert numbers == [0.983, 2.731, 98.629, 1.686, -1.667]
    assert (line[0], line[-1]) == (pytest.approx(1.064, abs=1e-3), pytest.approx(31.102, abs=1e-3))
    # series-fit-poly, example 2: of degree 1 it is the same line
    poly = f"print y = {y} | project series_fit_poly(y) | project series_fit_poly_y_coefficients, series_fit_poly_y_rvariance"
    (slope, cross), variance = Database().query(poly).rows[0]
    assert [slope, cross, variance] == pytest.approx(
        [2.7307692307692308, -1.6666666666666667, 1.6864801864801865]
    )


def test_a_polynomial_is_found_again():
    xs = [k / 7 - 3 for k in range(40)]
    wanted = [2.0, 0.0, -8.0, 0.5, 10.0, 6.0]
    ys = [math.fsum(c * x ** (5 - i) for i, c in enumerate(wanted)) for x in xs]
    found = fit_poly([*ys, None], [*xs, 5], 5)
    assert found["coefficients"] == pytest.approx(wanted, abs=1e-9)
    assert found["rsquare"] == pytest.approx(1)
    assert len(found["poly_fit"]) == 41


def test_a_polynomial_as_numpy_fits_it():
    # numpy 2.3: numpy.polyfit([1 .. 6], [1, 4, 2, 7, 5, 9], 3)
    found = fit_poly([1, 4, 2, 7, 5, 9], None, 3)
    assert found["coefficients"] == pytest.approx(
        [0.12037037037, -1.17460317460, 4.56216931217, -2.33333333333]
    )


@pytest.mark.parametrize(
    ("values", "places", "degree"), [([1, 2], None, 2), ([1, 2, 3], [1, 1, 1], 1), ([1, 2], [1], 1), ([1, 2], None, 51)]
)  # fmt: skip
def test_no_polynomial(values, places, degree):
    assert fit_poly(values, places, degree) is None


@pytest.mark.parametrize("count", [1, 2, 3, 8, 12, 61, 67, 128, 134, 243])
def test_a_transform_is_the_sum_that_defines_it(count):
    points = [complex(k * k % 11 - 5, k % 3) for k in range(count)]
    found = transform(points, -1)
    for k, value in enumerate(found):
        expected = sum(p * cmath.exp(-2j * math.pi * (j * k % count) / count) for j, p in enumerate(points))
        assert abs(value - expected) < 1e-9
    back = [value / count for value in transform(found, 1)]
    assert max(abs(a - b) for a, b in zip(back, points, strict=True)) < 1e-12


def test_fourier_columns_and_their_names():
    query = "print y = dynamic([1, 2, 3, 4]) | project series_fft(y) | project (a, b) = series_ifft(series_fft_y_real, series_fft_y_imag)"
    result = Database().query(query)
    assert [name for name, _ in result.columns] == ["a", "b"]
    assert result.rows[0][0] == pytest.approx([1, 2, 3, 4])
    assert ask("series_fft(dynamic([1, 'a']))") is None
    assert ask("series_fft(dynamic([1, 2]), dynamic([1]))") is None


@pytest.mark.parametrize(
    "call",
    [
        "series_outliers(y)",
        "series_decompose(y)",
        "series_fit_2lines(y)",
        "series_periods_detect(y, 1, 2, 3)",
    ],
)
def test_what_is_not_published_is_refused_by_name(call):
    with pytest.raises(KqlError, match="series_") as caught:
        Database().query(f"print y = dynamic([1, 2, 3]) | project {call}")
    assert caught.value.kind == "unsupported"
    assert "not published" in caught.value.hint


def test_a_pair_without_a_series_is_refused():
    with pytest.raises(KqlError, match="at least one series"):
        ask("series_add(1, 2)")
    with pytest.raises(KqlError, match="not a string"):
        ask("series_equals(dynamic([1]), 'a')")
    with pytest.raises(KqlError, match="at least one series"):
        ask("series_dot_product(1, 2.5)")


def test_a_transform_beyond_bounds_is_refused_by_name():
    with pytest.raises(KqlError, match="65537 points") as caught:
        Database().query("print y = range(1, 65537) | project series_fft(y)")
    assert caught.value.kind == "unsupported"


def test_series_of_datetimes_are_refused_by_name():
    # the pages give two numbers for a datetime: ticks since 1970 (series-fit-poly), and since the year 1
    with pytest.raises(KqlError, match="series of datetimes") as caught:
        ask("series_add(pack_array(datetime(2020-01-01)), 0)")
    assert caught.value.kind == "unsupported"
