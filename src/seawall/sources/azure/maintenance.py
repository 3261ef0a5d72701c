"""Maintenance windows: azurerm's blocks as ARM's maintenance configurations."""

from __future__ import annotations

from typing import Any


def in_week(block: dict[str, Any]) -> dict[str, Any]:
    """Write the old kind of window: hours of days."""
    allowed = [
        {"day": part.get("day"), "hourSlots": part.get("hours")}
        for part in block.get("allowed") or []
        if isinstance(part, dict)
    ]
    refused = [
        {"start": part.get("start"), "end": part.get("end")}
        for part in block.get("not_allowed") or []
        if isinstance(part, dict)
    ]
    return {"timeInWeek": allowed} | ({"notAllowedTime": refused} if refused else {})


def window(block: dict[str, Any]) -> dict[str, Any]:
    """Write a maintenance window with a schedule, as ARM's maintenanceWindow."""
    frequency, every = block.get("frequency"), block.get("interval")
    schedule: dict[str, Any]
    if frequency == "Daily":
        schedule = {"daily": {"intervalDays": every}}
    elif frequency == "Weekly":
        schedule = {"weekly": {"intervalWeeks": every, "dayOfWeek": block.get("day_of_week")}}
    elif frequency == "AbsoluteMonthly":
        schedule = {"absoluteMonthly": {"intervalMonths": every, "dayOfMonth": block.get("day_of_month")}}
    else:
        schedule = {
            "relativeMonthly": {
                "intervalMonths": every,
                "dayOfWeek": block.get("day_of_week"),
                "weekIndex": block.get("week_index"),
            }
        }
    found = {
        "schedule": schedule,
        "durationHours": block.get("duration"),
        "utcOffset": block.get("utc_offset"),
        "startDate": str(block.get("start_date") or "")[:10] or None,
        "startTime": block.get("start_time"),
        "notAllowedDates": [
            {"start": str(part.get("start"))[:10], "end": str(part.get("end"))[:10]}
            for part in block.get("not_allowed") or []
            if isinstance(part, dict)
        ]
        or None,
    }
    return {key: value for key, value in found.items() if value is not None}
