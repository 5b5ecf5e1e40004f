"""What operators see of actions: Prometheus metrics, and spans that continue a decision's trace."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sekisho.durable import Depths, Ending, Job
from sekisho.kit.clock import MICROSECONDS

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds: from a commit to a receiver that takes its time."""
GOOD: Final = frozenset({"done", "dry_run", "spared"})
TRACEPARENT: Final = "traceparent"


class Durations:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """Take one in."""
        self._counts[bisect_left(BUCKETS, seconds)] += 1
        self._sum += seconds

    def family(self, name: str, meaning: str) -> Metric:
        """What Prometheus is told."""
        bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
        sums = zip(bounds, accumulate(self._counts), strict=True)
        buckets = [(bound, float(count)) for bound, count in sums]
        return HistogramMetricFamily(name, meaning, buckets=buckets, sum_value=self._sum)


class ActionMetrics(Collector):
    """Figures of attempts, counted as they end."""

    def __init__(self) -> None:
        self.depths = Depths(0, 0, 0, 0, 0)
        """How many actions stand where; brought up to date when somebody asks for metrics."""
        self._attempts: dict[tuple[str, str], int] = {}
        self._waited = Durations()
        self._took = Durations()
        self._lost = 0

    def attempted(self, ending: Ending) -> None:
        """An attempt ended."""
        place = (ending.job.kind, ending.what)
        self._attempts[place] = self._attempts.get(place, 0) + 1
        if not ending.uncounted:
            self._took.add((ending.at_us - ending.started_us) / MICROSECONDS)

    def waited(self, microseconds: int) -> None:
        """A first attempt began so long after the action was due."""
        self._waited.add(max(microseconds, 0) / MICROSECONDS)

    def lost(self) -> None:
        """An attempt lost its lease."""
        self._lost += 1

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told; names are listed in the reference of metrics."""
        attempts = CounterMetricFamily(
            "sekisho_action_attempts", "Attempts by kind and how they ended", labels=("kind", "end")
        )
        for place, count in self._attempts.items():
            attempts.add_metric(place, count)
        yield attempts
        yield CounterMetricFamily(
            "sekisho_action_leases_lost", "Attempts whose end was void", value=self._lost
        )
        depth = GaugeMetricFamily("sekisho_actions", "Actions not over, by state", labels=["state"])
        for state in Depths.__struct_fields__:
            depth.add_metric([state], getattr(self.depths, state))
        yield depth
        yield self._waited.family(
            "sekisho_action_wait_seconds", "From when an action was due to its first attempt"
        )
        yield self._took.family("sekisho_action_seconds", "An attempt, from start to end")


class ActionTelemetry:
    """Counts every attempt; those of a traced decision become spans of its trace."""

    def __init__(self, metrics: ActionMetrics) -> None:
        self._metrics = metrics
        self._tracer = trace.get_tracer("sekisho")
        self._propagator = TraceContextTextMapPropagator()
        self._spans: dict[int, Span] = {}

    def begun(self, job: Job, started_us: int, /) -> str:
        """An attempt starts."""
        if job.attempts == 1:
            self._metrics.waited(started_us - max(job.due_at_us, job.accepted_us))
        if not job.traceparent:
            return ""
        parent = self._propagator.extract({TRACEPARENT: job.traceparent})
        span = self._tracer.start_span(
            "act",
            context=parent,
            attributes={
                "sekisho.action.id": job.id,
                "sekisho.action.kind": job.kind,
                "sekisho.action.attempt": job.attempts,
            },
        )
        self._spans[job.seq] = span
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, trace.set_span_in_context(span))
        return carrier.get(TRACEPARENT, "")

    def ended(self, ending: Ending, /) -> None:
        """An attempt ended."""
        self._metrics.attempted(ending)
        span = self._spans.pop(ending.job.seq, None)
        if span is None:
            return
        span.set_attribute("sekisho.action.end", ending.what)
        if ending.what not in GOOD:
            span.set_status(Status(StatusCode.ERROR, ending.detail))
        span.end()

    def lost(self, job: Job, /) -> None:
        """The lease of an attempt was lost."""
        self._metrics.lost()
        span = self._spans.pop(job.seq, None)
        if span is not None:
            span.set_status(Status(StatusCode.ERROR, "lease lost"))
            span.end()
