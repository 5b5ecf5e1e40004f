"""Receives, handles and acknowledges: after the effect, never before it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from sekisho.brokers.model import BrokerError, Message, Poison
from sekisho.brokers.ports import Broker, Delivery

Handler = Callable[[Message], Awaitable[None]]
"""Returns when the message's effect is durable; raises `Poison`, or anything to be tried again."""

DEAD_SUFFIX: Final = ".dead"
_LOST_S: Final = (0.2, 5.0)
_STOP_AGAIN_S: Final = 0.5
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Consumption:
    """What is received and how hard it is tried.

    Attributes:
        topic, group: what is received, and as whom.
        batch: most messages handled at once.
        wait_s: how long one look waits for a message.
        attempts: handings-out after which a message is put aside.
        pause_s: before the second attempt; doubles up to `pause_most_s`.
    """

    topic: str
    group: str
    batch: int = 64
    wait_s: float = 1.0
    attempts: int = 8
    pause_s: float = 0.2
    pause_most_s: float = 60.0

    def pause(self, attempt: int) -> float:
        """Seconds until the attempt after this one."""
        return min(self.pause_most_s, self.pause_s * 2 ** min(attempt - 1, 20))


async def consume(broker: Broker, what: Consumption, handler: Handler) -> None:
    """Handle messages until cancelled; outlives every failure of the broker.

    A message is acknowledged after its handler has returned. One that is poison, or has been
    handed out too often, goes to the topic's dead letters (`topic.dead`) with its reason first.
    """
    lost_s = _LOST_S[0]
    while True:
        try:
            await broker.declare(what.topic, what.group)
            while True:
                deliveries = await broker.receive(what.topic, what.group, what.batch, what.wait_s)
                lost_s = _LOST_S[0]
                await _handle_all(broker, what, deliveries, handler)
        except BrokerError as error:
            if not error.retryable:
                raise
            _log.warning("broker.lost", topic=what.topic, group=what.group, error=str(error))
            await asyncio.sleep(lost_s)
            lost_s = min(_LOST_S[1], 2 * lost_s)


async def stop(*tasks: "asyncio.Task[None]") -> None:
    """End consuming tasks, however often a client library swallows a cancellation."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_STOP_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _handle_all(
    broker: Broker, what: Consumption, deliveries: Sequence[Delivery], handler: Handler
) -> None:
    """Messages of one key in order, different keys side by side."""
    by_key: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_key.setdefault(delivery.message.key or delivery.message.id, []).append(delivery)
    async with asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(_in_order(broker, what, run, handler)) for run in by_key.values()]
    for run in runs:
        if failure := run.result():
            raise failure


async def _in_order(
    broker: Broker, what: Consumption, run: Sequence[Delivery], handler: Handler
) -> BrokerError | None:
    try:
        for delivery in run:
            await _handle(broker, what, delivery, handler)
    except BrokerError as error:  # told afterwards: the other runs finish first
        return error
    return None


async def _handle(broker: Broker, what: Consumption, delivery: Delivery, handler: Handler) -> None:
    if delivery.attempt > what.attempts:
        await _put_aside(broker, what, delivery, "handed out too often")
        return
    try:
        await handler(delivery.message)
    except Poison as reason:
        await _put_aside(broker, what, delivery, str(reason))
    except BrokerError:
        raise
    except Exception as error:  # noqa: BLE001 — whatever failed, the message is kept
        _log.warning("message.failed", id=delivery.message.id, error=repr(error))
        if delivery.attempt >= what.attempts:
            await _put_aside(broker, what, delivery, repr(error))
        else:
            await delivery.again(what.pause(delivery.attempt))
    else:
        await delivery.done()


async def _put_aside(broker: Broker, what: Consumption, delivery: Delivery, reason: str) -> None:
    """To the dead letters first, acknowledged then: a crash between the two repeats, loses none."""
    message = delivery.message
    headers = {**message.headers, "sekisho-reason": reason[:500]}
    letter = Message(f"{message.id}{DEAD_SUFFIX}", message.body, message.key, headers)
    dead = what.topic + DEAD_SUFFIX
    await broker.declare(dead, what.group)
    await broker.publish(dead, [letter])
    await delivery.done()
