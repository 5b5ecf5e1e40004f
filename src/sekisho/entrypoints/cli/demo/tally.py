"""What the demo has seen so far: outcomes, latencies, hits, and how the truth compares."""

from array import array
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import Any, Final

import numpy as np

from sekisho.decisions import Outcome
from sekisho.entrypoints.cli.demo.client import Answer
from sekisho.sandbox import Payload

ASKS_FOR_PROOF: Final = frozenset({Outcome.REQUEST_3DS, Outcome.CHALLENGE})
"""Outcomes that cost an honest customer seconds, not the purchase."""
SHOWN: Final = 60
"""Decisions kept for the screen."""
RECENT: Final = 2_000
"""Latencies behind the figures of the moment."""
GAP_S: Final = {True: 0.9, False: 0.25}
"""Least time between two shown decisions: allowed ones (True) and others; eyes are slow."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision on the screen; `fraud` names the attack, empty for an honest event."""

    event: Payload
    outcome: Outcome
    rule: str
    fraud: str


class Tally:
    """Counts answers; the lanes add to it, the screen reads it."""

    def __init__(self, frauds: Mapping[str, str], rules: Mapping[str, str], tag: str = "") -> None:
        self._frauds = frauds
        self._tag = tag
        self.rules = rules
        self.lock = Lock()
        self.started = perf_counter()
        self.ended = 0.0
        self.sent = 0
        self.reported = 0
        self.withheld = 0
        self.refused = 0
        self.first_refusal = ""
        self.outcomes: Counter[Outcome] = Counter()
        self.hits: Counter[tuple[str, bool]] = Counter()
        self.kinds: Counter[tuple[str, bool]] = Counter()
        self.honest: Counter[Outcome] = Counter()
        self.shown: deque[Shown] = deque(maxlen=SHOWN)
        self.latencies_ms = array("d")
        self.explained = ""
        self._shown_at = {True: 0.0, False: 0.0}

    @property
    def decided(self) -> int:
        """Events that got a decision."""
        return self.outcomes.total()

    @property
    def elapsed_s(self) -> float:
        """How long the stream runs, or ran."""
        return (self.ended or perf_counter()) - self.started

    def add_decision(self, event: Payload, answer: Answer, took_s: float) -> Outcome | None:
        """Take in the answer to an event; None when it was refused."""
        with self.lock:
            self.sent += 1
            if not answer.is_fine:
                self._refuse(answer)
                return None
            self.latencies_ms.append(took_s * 1e3)
            told = answer.value()
            outcome = Outcome(told["outcome"])
            fraud = self._frauds.get(str(event["id"]).removesuffix(self._tag), "")
            self.outcomes[outcome] += 1
            if fraud:
                self.kinds[fraud, outcome is not Outcome.ALLOW] += 1
            else:
                self.honest[outcome] += 1
            for rule in {hit["rule"] for hit in told["hits"]}:
                self.hits[rule, bool(fraud)] += 1
            if outcome is Outcome.BLOCK:
                self.explained = told["id"]
            rule = told["rule"]["predicate"] if told["rule"] else ""
            self._show(Shown(event, outcome, rule, fraud))
            return outcome

    def add_report(self, answer: Answer) -> None:
        """Take in the answer to an outcome that was reported."""
        with self.lock:
            self.sent += 1
            if answer.is_fine:
                self.reported += 1
            else:
                self._refuse(answer)

    def withhold(self) -> None:
        """An outcome that never came to be, because its event was blocked."""
        with self.lock:
            self.withheld += 1

    def latency_ms(self, *, recent: bool) -> dict[str, float]:
        """Latency from the moment an event was due, as its sender sees it: p50, p99, largest."""
        with self.lock:
            values = np.array(self.latencies_ms[-RECENT:] if recent else self.latencies_ms)
        if not len(values):
            return {"p50": 0.0, "p99": 0.0, "max": 0.0}
        p50, p99 = np.percentile(values, (50, 99))
        return {name: round(float(ms), 2) for name, ms in
                (("p50", p50), ("p99", p99), ("max", values.max()))}  # fmt: skip

    def told(self) -> dict[str, Any]:
        """Everything as JSON values."""
        latency = self.latency_ms(recent=False)
        with self.lock:
            return {
                "seconds": round(self.elapsed_s, 2),
                "sent": self.sent,
                "rate_per_s": round(self.sent / max(self.elapsed_s, 1e-9), 1),
                "decided": self.decided,
                "reported": self.reported,
                "withheld": self.withheld,
                "refused": {"count": self.refused, "first": self.first_refusal or None},
                "outcomes": {one.value: self.outcomes[one] for one in Outcome},
                "latency_ms": latency,
                "truth": self.truth(),
                "kinds": self.by_kind(),
                "rules": self.by_rule(),
            }

    def truth(self) -> dict[str, int]:
        """Caught, missed, false positives; a caught fraud is one that was not simply allowed."""
        caught = sum(count for (_, is_caught), count in self.kinds.items() if is_caught)
        fraud, honest = self.kinds.total(), self.honest.total()
        return {
            "fraud": fraud,
            "caught": caught,
            "missed": fraud - caught,
            "honest": honest,
            "false_positives": honest - self.honest[Outcome.ALLOW],
            "asked_for_proof": sum(self.honest[one] for one in ASKS_FOR_PROOF),
        }

    def by_kind(self) -> list[dict[str, Any]]:
        """Attacks, the most frequent first, and how many of their events were caught."""
        happened: Counter[str] = Counter()
        for (kind, _), count in self.kinds.items():
            happened[kind] += count
        return [
            {"kind": kind, "events": count, "caught": self.kinds[kind, True]}
            for kind, count in happened.most_common()
        ]

    def by_rule(self) -> list[dict[str, Any]]:
        """Rules that were hit, the most frequent first."""
        hits: Counter[str] = Counter()
        for (rule, _), count in self.hits.items():
            hits[rule] += count
        return [
            {
                "id": rule,
                "rule": self.rules.get(rule, rule),
                "hits": count,
                "fraud": self.hits[rule, True],
                "honest": self.hits[rule, False],
            }
            for rule, count in hits.most_common()
        ]

    def _refuse(self, answer: Answer) -> None:
        self.refused += 1
        self.first_refusal = self.first_refusal or answer.reason()

    def _show(self, decision: Shown) -> None:
        now, is_plain = perf_counter(), decision.outcome is Outcome.ALLOW
        if now - self._shown_at[is_plain] >= GAP_S[is_plain]:
            self._shown_at[is_plain] = now
            self.shown.appendleft(decision)
