"""Counters for Prometheus, in its text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from bisect import bisect_left

BUCKETS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)


class Metrics:
    """What happened since the start. Adding is cheap: it happens once a request."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = {}
        self.durations: dict[str, list[float]] = {}
        self.counters: dict[tuple[str, str], int] = {}
        self.gauges: dict[str, float] = {}

    def observe(self, service: str, verdict: str, status: int, seconds: float) -> None:
        """Count one answer: of a service, with a verdict and an HTTP status, after so many seconds."""
        key = (service, verdict, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        row = self.durations.get(service)
        if row is None:
            row = self.durations[service] = [0.0] * (len(BUCKETS) + 2)
        row[bisect_left(BUCKETS, seconds)] += 1
        row[-1] += seconds

    def count(self, name: str, result: str, by: int = 1) -> None:
        """Add to `seawall_NAME_total{result}`."""
        self.counters[name, result] = self.counters.get((name, result), 0) + by

    def text(self) -> str:
        """Return all of it, in a stable order."""
        lines = ["# HELP seawall_requests_total Answers given.", "# TYPE seawall_requests_total counter"]
        for (service, verdict, status), times in sorted(self.requests.items()):
            labels = f'service="{service}",verdict="{verdict}",status="{status}"'
            lines.append(f"seawall_requests_total{{{labels}}} {times}")
        name = "seawall_request_duration_seconds"
        lines += [f"# HELP {name} Time from the whole request to its answer.", f"# TYPE {name} histogram"]
        for service, row in sorted(self.durations.items()):
            total = 0.0
            for bound, number in zip((*map(str, BUCKETS), "+Inf"), row, strict=False):
                total += number
                lines.append(f'{name}_bucket{{service="{service}",le="{bound}"}} {total:.0f}')
            lines.append(f'{name}_sum{{service="{service}"}} {row[-1]:.6f}')
            lines.append(f'{name}_count{{service="{service}"}} {total:.0f}')
        for kind in sorted({kind for kind, _ in self.counters}):
            lines.append(f"# TYPE seawall_{kind}_total counter")
            lines += [
                f'seawall_{kind}_total{{result="{result}"}} {number}'
                for (each, result), number in sorted(self.counters.items())
                if each == kind
            ]
        for gauge, value in sorted(self.gauges.items()):
            lines += [f"# TYPE seawall_{gauge} gauge", f"seawall_{gauge} {value:.3f}".rstrip("0").rstrip(".")]
        return "\n".join(lines) + "\n"


__all__ = ["BUCKETS", "Metrics"]
