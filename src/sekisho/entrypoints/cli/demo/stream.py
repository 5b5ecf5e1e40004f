"""Sends a story to the server at a steady rate, whether or not the server keeps up."""

from collections.abc import Callable, Iterable
from queue import Queue
from threading import Event, Thread
from time import perf_counter
from typing import Final

from sekisho.decisions import Outcome
from sekisho.entrypoints.cli.demo.client import Connection, ServerGone
from sekisho.entrypoints.cli.demo.tally import Tally
from sekisho.sandbox import Payload

OUTCOMES: Final = frozenset(
    {
        "authorization",
        "dispute",
        "early_fraud_warning",
        "refund",
        "return",
        "review_verdict",
        "label",
    }
)
"""Events that report what became of another; they go to `/v1/events`."""
NEVER_HAPPENS: Final = OUTCOMES - {"review_verdict", "label"}
"""What a blocked event does not lead to: no issuer is asked, nothing is bought or disputed."""
PER_LANE: Final = 15
"""Events a second of one connection: it carries them even when an answer takes 60 ms."""
FEWEST_LANES, MOST_LANES = 4, 64
WAITING: Final = 5_000
"""Events that may wait in a lane before the story itself waits."""

Due = tuple[float, Payload]


class Stream:
    """Open loop: each event has its moment, and its latency counts from there.

    An outcome goes down the same connection as the event it is about, so it never arrives first.
    """

    def __init__(self, story: Iterable[Payload], rate: int, tally: Tally) -> None:
        self._story = story
        self._rate = rate
        self._tally = tally
        self._stop = Event()
        self._lanes: list[Queue[Due | None]] = []
        self._threads: list[Thread] = []
        self.broken: Exception | None = None

    def start(self, connect: Callable[[], Connection]) -> None:
        """Open the connections and begin to send.

        Raises:
            OSError: a connection cannot be opened.
        """
        for _ in range(min(MOST_LANES, max(FEWEST_LANES, self._rate // PER_LANE))):
            lane: Queue[Due | None] = Queue(WAITING)
            self._lanes.append(lane)
            self._begin(self._work, lane, connect())
        self._tally.started = perf_counter()
        self._begin(self._feed)

    def stop(self) -> None:
        """Send nothing more; what is under way still gets its answer."""
        self._stop.set()

    @property
    def is_running(self) -> bool:
        """Something is still to be sent or answered."""
        return any(thread.is_alive() for thread in self._threads)

    def finish(self) -> None:
        """Wait for the last answers."""
        for thread in self._threads:
            thread.join()
        self._tally.ended = self._tally.ended or perf_counter()

    def _begin(self, run: Callable[..., None], *given: object) -> None:
        thread = Thread(target=run, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _feed(self) -> None:
        start, step = self._tally.started, 1 / self._rate
        for number, payload in enumerate(self._story):
            due = start + number * step
            early = due - perf_counter()
            if early > 0:
                self._stop.wait(early)
            if self._stop.is_set():
                break
            subject = payload.get("about", payload["id"])
            self._lanes[hash(subject) % len(self._lanes)].put((due, payload))
        for lane in self._lanes:
            lane.put(None)

    def _work(self, lane: "Queue[Due | None]", connection: Connection) -> None:
        closed: set[object] = set()
        with connection:
            while (item := lane.get()) is not None:
                if self._stop.is_set():
                    continue
                try:
                    self._send(connection, *item, closed)
                except ServerGone as error:
                    self.broken = self.broken or error
                    self._stop.set()

    def _send(
        self, connection: Connection, due: float, event: Payload, closed: set[object]
    ) -> None:
        """Send one event; `closed` has the blocked and refused events of this connection."""
        if event["type"] not in OUTCOMES:
            answer = connection.ask("POST", "/v1/decisions", event)
            outcome = self._tally.add_decision(event, answer, perf_counter() - due)
            if outcome in (None, Outcome.BLOCK):
                closed.add(event["id"])
        elif event["about"] in closed and event["type"] in NEVER_HAPPENS:
            self._tally.withhold()
        else:
            self._tally.add_report(connection.ask("POST", "/v1/events", event))
