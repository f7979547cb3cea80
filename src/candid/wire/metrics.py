"""`/metrics` in Prometheus' text format, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/
Labels are operations, results and what the composition root adds; never a customer, a key, a name or an id.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Upper bounds in seconds: from a call that touches no image to one that waited for its turn.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric that another room keeps.

    Attributes:
        name: such as `candid_gallery_collections`.
        kind: `gauge` or `counter`.
        help: one line for people.
        value: now.
        labels: such as `{"model": "…"}`.
    """

    name: str
    kind: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Metrics:
    """Counts calls. Touched by the event loop only."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._received: Counter[str] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def observe(self, *, operation: str, result: str, seconds: float, received: int) -> None:
        """Count one call.

        Args:
            operation: its name, or `unknown`.
            result: `ok`, or the name of the error.
            seconds: from its first byte to its reply.
            received: bytes of its body.
        """
        self._calls[operation, result] += 1
        self._received[operation] += received
        buckets = self._buckets.setdefault(operation, [0] * (len(BUCKETS) + 1))
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[operation] = self._seconds.get(operation, 0.0) + seconds

    def render(self, others: Iterable[Sample] = ()) -> bytes:
        """The page: what is counted here, and samples of other rooms."""
        samples = [
            *(
                Sample("candid_requests_total", "counter", "Calls by operation and result.", count, labels)
                for labels, count in self._labelled_calls()
            ),
            *(
                Sample("candid_request_bytes_total", "counter", "Bytes in.", count, {"operation": name})
                for name, count in sorted(self._received.items())
            ),
            *others,
        ]
        lines: list[str] = []
        described: set[str] = set()
        for sample in sorted(samples, key=lambda sample: sample.name):
            if sample.name not in described:
                described.add(sample.name)
                lines += _head(sample.name, sample.kind, sample.help)
            lines.append(_line(sample.name, sample.labels, sample.value))
        lines += self._histogram()
        return ("\n".join(lines) + "\n").encode()

    def _labelled_calls(self) -> list[tuple[dict[str, str], int]]:
        return [
            ({"operation": operation, "result": result}, count)
            for (operation, result), count in sorted(self._calls.items())
        ]

    def _histogram(self) -> list[str]:
        name = "candid_request_seconds"
        lines = _head(name, "histogram", "Seconds from a call's first byte to its reply.")
        for operation, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
                total += count
                lines.append(_line(f"{name}_bucket", {"operation": operation, "le": bound}, total))
            lines.append(_line(f"{name}_sum", {"operation": operation}, self._seconds[operation]))
            lines.append(_line(f"{name}_count", {"operation": operation}, total))
        return lines


def _head(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP {name} {_escape(about)}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    text = ",".join(f'{label}="{_escape(content, quotes=True)}"' for label, content in labels.items())
    return f"{name}{{{text}}} {value}" if text else f"{name} {value}"


def _escape(text: str, *, quotes: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped
