"""What aggregates and operators are made of where SQL has nothing: each gets a JSON array of a group's values."""

from __future__ import annotations

from typing import Any

from seawall.kql.functions.dynamics import LIMIT, bag_merge, distinct
from seawall.kql.functions.registry import udf
from seawall.kql.functions.sketches import nearest


def _set(values: list[Any], limit: int) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return distinct([v for v in flat if v is not None])[:limit]


def _bag(values: list[Any], limit: int) -> dict[str, Any]:
    bag = bag_merge(values) or {}
    return dict(list(bag.items())[:limit])


def _decimal_sum(values: list[Any]) -> str | None:
    import decimal

    from seawall.kql.functions.numbers import CONTEXT, plain

    total = decimal.Decimal(0)
    for value in values:
        if value is not None:
            total = CONTEXT.add(total, decimal.Decimal(value))
    return plain(total)


def _decimal_avg(values: list[Any]) -> str | None:
    import decimal

    from seawall.kql.functions.numbers import CONTEXT, plain

    known = [decimal.Decimal(value) for value in values if value is not None]
    if not known:
        return None
    total = decimal.Decimal(0)
    for value in known:
        total = CONTEXT.add(total, value)
    return plain(CONTEXT.divide(total, decimal.Decimal(len(known))))


def _decimal_extreme(choose: Any) -> Any:
    def extreme(values: list[Any]) -> str | None:
        import decimal

        chosen: str | None = choose(
            (value for value in values if value is not None), key=decimal.Decimal, default=None
        )
        return chosen

    return extreme


def _weighted(kind: Any) -> Any:
    def at(pairs: list[Any], percent: str) -> Any:
        """Give the value of a nearest rank among values that count as often as their weight says."""
        counted = [(kind(p["v"]), p["w"]) for p in pairs if p["v"] is not None and (p["w"] or 0) > 0]
        return nearest(sorted(pair for pair in counted if pair[0] == pair[0]), float(percent))

    return at


def _schema(value: Any) -> Any:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "long"
    if isinstance(value, float):
        return "double"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return (
            {"`indexer`": _merge_schemas([_schema(item) for item in value])} if value else {"`indexer`": []}
        )
    if isinstance(value, dict):
        return {key: _schema(item) for key, item in value.items()}
    return None


def _merge_schemas(schemas: list[Any]) -> Any:
    bags = [s for s in schemas if isinstance(s, dict)]
    plain = distinct([s for s in schemas if isinstance(s, str)])
    out: list[Any] = list(plain)
    if bags:
        keys = list(dict.fromkeys(key for bag in bags for key in bag))
        out.append({key: _merge_schemas([bag[key] for bag in bags if key in bag]) for key in keys})
    flat: list[Any] = out + [item for s in schemas if isinstance(s, list) for item in s]
    unique = distinct(flat)
    return unique[0] if len(unique) == 1 else unique


udf("set", "dynamic long", "dynamic", _set)
udf("bag", "dynamic long", "dynamic", _bag)
udf("decimal_sum", "dynamic", "decimal", _decimal_sum)
udf("decimal_avg", "dynamic", "decimal", _decimal_avg)
udf("decimal_min", "dynamic", "decimal", _decimal_extreme(min))
udf("decimal_max", "dynamic", "decimal", _decimal_extreme(max))
udf("weighted_long", "dynamic string", "long", _weighted(int))
udf("weighted_real", "dynamic string", "real", _weighted(float))
udf("buildschema", "dynamic", "dynamic", lambda values: _merge_schemas([_schema(v) for v in values]))


# --- what operators are made of ----------------------------------------------------------------------------


def _series_fill(pairs: Any, count: int, fill: Any, first: int | None) -> list[Any]:
    out = [fill] * max(0, min(count, LIMIT))
    for place, value in pairs:
        at = place - (first or 0)
        if 0 <= at < len(out) and value is not None:
            out[at] = value
    return out


def _axis_whole(start: int, step: int, count: int, kind: str) -> list[Any]:
    from seawall.kql.temporal import format_datetime, format_timespan

    values = [start + i * step for i in range(max(0, min(count, LIMIT)))]
    if kind == "long":
        return values
    write = format_datetime if kind == "datetime" else format_timespan
    return [write(value) for value in values]


def _axis(start: float, step: float, count: int, kind: str) -> list[float]:
    del kind
    return [start + i * step for i in range(max(0, min(count, LIMIT)))]


def _keys_kinds(bag: Any) -> list[Any]:
    if not isinstance(bag, dict):
        return []
    names = {bool: "bool", int: "long", float: "real", str: "string", type(None): "null"}
    return [[key, names.get(type(value), "dynamic")] for key, value in bag.items()]


udf("series_fill", "dynamic long json? long?", "dynamic", _series_fill)
udf("axis_whole", "long long long string", "dynamic", _axis_whole)
udf("axis", "real real long string", "dynamic", _axis)
udf("keys_kinds", "dynamic", "dynamic", _keys_kinds)
