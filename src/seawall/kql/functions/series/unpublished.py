"""Series functions whose results hang on an implementation that is not published: refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import refuse
from seawall.kql.functions.registry import special

if TYPE_CHECKING:
    from seawall.kql.bind.values import Ex

WHY = {
    "series_outliers": "which quantiles it takes between two values is not published",
    "series_fit_2lines": "which of two parts the point of the break belongs to is not published",
    "series_fit_2lines_dynamic": "which of two parts the point of the break belongs to is not published",
    "series_periods_detect": "how periods are scored is not published",
    "series_periods_validate": "how periods are scored is not published",
    "series_decompose": "it begins with a search for periods, which is not published",
    "series_decompose_anomalies": "it begins with a search for periods, which is not published",
    "series_decompose_forecast": "it begins with a search for periods, which is not published",
}


@special(" ".join(WHY))
def unpublished(binder: Any, node: Any, scope: Any) -> Ex:
    """Refuse, and say why."""
    del binder, scope
    raise refuse(f"the function {node.name}()", node.pos, WHY[node.name])
