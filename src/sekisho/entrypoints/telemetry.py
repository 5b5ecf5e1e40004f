"""What operators see: Prometheus metrics of every decision, traces of a share of them."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sekisho.decisions import Outcome
from sekisho.entrypoints.action_telemetry import TRACEPARENT, ActionMetrics
from sekisho.events import Event
from sekisho.flow import STAGES, Assessment

NS: Final = 1e-9
BUCKETS: Final = (
    25e-6,
    50e-6,
    100e-6,
    250e-6,
    500e-6,
    1e-3,
    2.5e-3,
    5e-3,
    10e-3,
    25e-3,
    50e-3,
    100e-3,
    250e-3,
    1.0,
)
"""Seconds: from a quarter of a usual decision to far beyond the deadline of any."""


class Metrics(Collector):
    """The figures at `/metrics`: counted in plain dictionaries, told when somebody asks."""

    def __init__(self, pending: Callable[[], float], held: Callable[[], float]) -> None:
        self._pending = pending
        self._held = held
        self._outcomes: dict[tuple[str, str], int] = {}
        self._hits: dict[str, int] = {}
        self._shadow: dict[str, int] = {}
        self._holdout: dict[str, int] = {}
        self._beside: dict[tuple[str, ...], int] = {}
        self._refused: dict[str, int] = {}
        self._degraded: dict[str, int] = {}
        self._durations = [0] * (len(BUCKETS) + 1)
        self._duration_sum = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.actions = ActionMetrics()
        self._registry.register(self.actions)

    def decided(self, event: Event, assessment: Assessment, marks_ns: Sequence[int]) -> None:
        """Count a decision."""
        decision = assessment.decision
        place = (event.type, decision.outcome)
        self._outcomes[place] = self._outcomes.get(place, 0) + 1
        for hit in decision.hits:
            self._hits[hit.rule.id] = self._hits.get(hit.rule.id, 0) + 1
        if assessment.is_on_trial:
            self._tried(assessment)
        for one in assessment.degraded:
            self._degraded[one.dependency] = self._degraded.get(one.dependency, 0) + 1
        seconds = (marks_ns[-1] - marks_ns[0]) * NS
        self._durations[bisect_left(BUCKETS, seconds)] += 1
        self._duration_sum += seconds

    def _tried(self, assessment: Assessment) -> None:
        for hit in assessment.shadow or ():
            self._shadow[hit.rule.id] = self._shadow.get(hit.rule.id, 0) + 1
        if assessment.holdout is not None:
            name = "passed" if assessment.holdout.passed else "blocked"
            self._holdout[name] = self._holdout.get(name, 0) + 1
        if assessment.beside is not None:
            held = assessment.holdout is not None and assessment.holdout.passed
            live = Outcome.BLOCK if held else assessment.decision.outcome
            place = (live.value, assessment.beside.outcome.value)
            self._beside[place] = self._beside.get(place, 0) + 1

    def refused(self, status: int) -> None:
        """Count a refused request."""
        self._refused[str(status)] = self._refused.get(str(status), 0) + 1

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told; names are listed in the reference of metrics."""
        yield _counter(
            "decisions", "Decisions by type and outcome", ("type", "outcome"), self._outcomes
        )
        yield _counter("rule_hits", "Rules that matched", ("rule",), _keyed(self._hits))
        yield _counter(
            "shadow_hits", "Rules in shadow that matched", ("rule",), _keyed(self._shadow)
        )
        yield _counter(
            "holdout", "Would-be blocks a holdout drew for", ("outcome",), _keyed(self._holdout)
        )
        yield _counter(
            "shadow_ruleset_decisions",
            "Decisions judged by a rule set in shadow too: what was live, what it would have been",
            ("live", "shadow"),
            self._beside,
        )
        yield _counter("refused_requests", "Requests refused", ("status",), _keyed(self._refused))
        yield _counter(
            "degraded_decisions",
            "Decisions made without a dependency",
            ("dependency",),
            _keyed(self._degraded),
        )
        bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
        sums = zip(bounds, accumulate(self._durations), strict=True)
        yield HistogramMetricFamily(
            "sekisho_decision_seconds",
            "From the first byte parsed to the entry queued, without the disk",
            buckets=[(bound, float(count)) for bound, count in sums],
            sum_value=self._duration_sum,
        )
        yield GaugeMetricFamily(
            "sekisho_pending_decisions", "Decisions waiting for the disk", self._pending()
        )
        yield GaugeMetricFamily(
            "sekisho_counted_events", "Contributions held by the counters", self._held()
        )


def _counter(
    name: str, meaning: str, labels: Sequence[str], values: Mapping[tuple[str, ...], int]
) -> Metric:
    family = CounterMetricFamily(f"sekisho_{name}", meaning, labels=labels)
    for place, count in values.items():
        family.add_metric(place, count)
    return family


def _keyed(values: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): count for name, count in values.items()}


class Telemetry:
    """Metrics for each decision, spans for the sampled ones.

    Spans are built after the decision from time marks, so an unsampled decision costs one draw.

    Args:
        metrics: where to count.
        ratio: share of decisions to trace.
        draw: a random number in [0, 1).
    """

    def __init__(self, metrics: Metrics, ratio: float, draw: Callable[[], float]) -> None:
        self._metrics = metrics
        self._ratio = ratio
        self._draw = draw
        self._tracer = trace.get_tracer("sekisho")
        self._propagator = TraceContextTextMapPropagator()
        self._begun: tuple[str, Span | None] | None = None

    def trace(self, event: Event, start_ns: int, /) -> str:
        """Begin the trace of a decision that asks for actions, if it is drawn."""
        if not (self._ratio and self._draw() < self._ratio):
            self._begun = (event.id, None)
            return ""
        span = self._start(event, start_ns)
        self._begun = (event.id, span)
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, trace.set_span_in_context(span))
        return carrier.get(TRACEPARENT, "")

    def decided(self, event: Event, assessment: Assessment, marks_ns: Sequence[int], /) -> None:
        """One decision was made."""
        self._metrics.decided(event, assessment, marks_ns)
        begun, self._begun = self._begun, None
        if begun is not None and begun[0] == event.id:
            if begun[1] is not None:
                self._trace(begun[1], assessment, marks_ns)
        elif self._ratio and self._draw() < self._ratio:
            self._trace(self._start(event, marks_ns[0]), assessment, marks_ns)

    def _start(self, event: Event, start_ns: int) -> Span:
        offset = time.time_ns() - time.perf_counter_ns()
        attributes = {"sekisho.event.type": event.type}
        return self._tracer.start_span(
            "decide", start_time=start_ns + offset, attributes=attributes
        )

    def _trace(self, whole: Span, assessment: Assessment, marks_ns: Sequence[int]) -> None:
        offset = time.time_ns() - time.perf_counter_ns()
        whole.set_attribute("sekisho.outcome", assessment.decision.outcome.value)
        parent = trace.set_span_in_context(whole)
        for stage, (start, end) in zip(STAGES, pairwise(marks_ns), strict=True):
            span = self._tracer.start_span(stage, context=parent, start_time=start + offset)
            span.end(end + offset)
        whole.end(marks_ns[-1] + offset)
