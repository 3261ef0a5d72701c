"""Functions on series: dynamic arrays of numbers (docs: query/series functions)."""

from seawall.kql.functions.series import elementwise, fill, filters, fits, unpublished
from seawall.kql.functions.series.filters import FOURIER
from seawall.kql.functions.series.fits import LINE, POLY, STATS
from seawall.kql.functions.series.values import cleaned, numeric

SEVERAL = {
    "series_stats": ("series_stats_dynamic", STATS),
    "series_fit_line": ("series_fit_line_dynamic", LINE),
    "series_fit_poly": ("\0series_fit_poly", POLY),
    "series_fft": ("\0series_fft", FOURIER),
    "series_ifft": ("\0series_ifft", FOURIER),
}
"""Functions that give several columns -> the function that gives them in one bag, and the columns."""

__all__ = ["SEVERAL", "cleaned", "elementwise", "fill", "filters", "fits", "numeric", "unpublished"]
