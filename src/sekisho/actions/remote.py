"""Attempts made elsewhere: orders go out over a broker, endings come back over it.

The queue stays the truth. An order that is lost, or whose answer is, ends as an attempt of unknown
outcome does: repeated where that is safe, looked into where it is not. An answer that comes after
the lease is void, as any other end would be.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sekisho.actions.attempt import Attempts
from sekisho.actions.kinds import ActionContext, ActionKind, Kinds
from sekisho.actions.traffic import Traffic
from sekisho.brokers import Broker, BrokerError, Consumption, Message, Poison, consume
from sekisho.durable import Ending, Job
from sekisho.kit.clock import MICROSECONDS, Clock

WORK: Final = "sekisho.work"
"""Topic of orders; every worker is a member of its group."""
RESULTS: Final = "sekisho.results"
"""Topic of endings."""
GROUP: Final = "sekisho"


class Order(msgspec.Struct, frozen=True):
    """An attempt to be made by whoever takes it.

    Attributes:
        job: leased by the one who asks.
        traceparent: W3C trace context of the attempt.
        until_us: after which nobody waits for its end, so nobody should begin it.
    """

    job: Job
    traceparent: str
    until_us: int


ENCODE: Final = msgspec.msgpack.Encoder().encode
READ_ORDER: Final = msgspec.msgpack.Decoder(Order).decode
READ_ENDING: Final = msgspec.msgpack.Decoder(Ending).decode


@dataclass(frozen=True, slots=True)
class Handing:
    """How attempts are handed over.

    Attributes:
        broker: carries orders and endings.
        away: names of the kinds that workers carry out.
        patience_s: how long an order may wait for a worker, beside the time its kind takes.
    """

    broker: Broker
    away: frozenset[str]
    patience_s: float = 30.0


class RemoteAttempts(Attempts):
    """Attempts of some kinds are made by workers, those of all others here; else as `Attempts`.

    Args:
        kinds, traffic, clock, draw, owner: as for `Attempts`.
        handing: which kinds, and how.
    """

    def __init__(
        self,
        kinds: Kinds,
        traffic: Traffic,
        clock: Clock,
        draw: Callable[[], float],
        owner: str,
        *,
        handing: Handing,
    ) -> None:
        super().__init__(kinds, traffic, clock, draw, owner)
        self._handing = handing
        self._waiting: dict[str, asyncio.Future[Ending]] = {}

    async def listen(self) -> None:
        """Take endings in until cancelled."""
        await consume(self._handing.broker, Consumption(RESULTS, GROUP), self._told)

    async def _told(self, message: Message) -> None:
        try:
            ending = READ_ENDING(message.body)
        except msgspec.MsgspecError as error:
            raise Poison(f"no ending of an attempt: {error}") from error
        waiting = self._waiting.get(_name(ending.job))
        if waiting is not None and not waiting.done():
            waiting.set_result(ending)

    async def _run(
        self, job: Job, kind: ActionKind[Any], params: Any, context: ActionContext
    ) -> Ending:
        handing = self._handing
        if job.kind not in handing.away:
            return await super()._run(job, kind, params, context)
        wait_s = handing.patience_s + kind.timeout_s
        until_us = context.now_us + round(handing.patience_s * MICROSECONDS)
        order = Order(job, context.traceparent, until_us)
        answer: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._waiting[_name(job)] = answer
        try:
            async with asyncio.timeout(wait_s):
                message = Message(_name(job), ENCODE(order), job.ordering_key)
                await handing.broker.publish(WORK, [message])
                return await answer
        except BrokerError as error:
            return await self._unknown(job, kind, context.now_us, str(error))
        except TimeoutError:
            detail = f"no worker has answered within {wait_s:g} s: is `sekisho work` running?"
            return await self._unknown(job, kind, context.now_us, detail)
        finally:
            del self._waiting[_name(job)]


class Worker:
    """Takes orders and makes their attempts.

    Args:
        broker: where orders come from.
        attempts: makes them.
        clock: tells when nobody waits for an order any more; within seconds of the server's.
    """

    def __init__(self, broker: Broker, attempts: Attempts, clock: Clock) -> None:
        self._broker = broker
        self._attempts = attempts
        self._clock = clock

    async def run(self, concurrency: int) -> None:
        """Work until cancelled."""
        what = Consumption(WORK, GROUP, batch=concurrency)
        await self._broker.declare(RESULTS, GROUP)
        await consume(self._broker, what, self._make)

    async def _make(self, message: Message) -> None:
        try:
            order = READ_ORDER(message.body)
        except msgspec.MsgspecError as error:
            raise Poison(f"no order for an attempt: {error}") from error
        if self._clock.now_us() > order.until_us:
            return
        ending = await self._attempts.make(order.job, order.traceparent)
        name = _name(order.job)
        await self._broker.publish(RESULTS, [Message(name, ENCODE(ending), name)])


def _name(job: Job) -> str:
    """One lease of one action: another attempt is another message."""
    return f"{job.id}:{job.fence}"
