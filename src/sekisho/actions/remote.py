"""Attempts made elsewhere: orders go out over a broker, endings come back over it.

The queue stays the truth. An order that is lost, or whose answer is, ends as an attempt of unknown
outcome does: repeated where that is safe, looked into where it is not. An answer that comes after
the lease is void, as any other end would be.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

import msgspec

from sekisho.actions.attempt import Attempts
from sekisho.actions.kinds import ActionContext, ActionKind
from sekisho.brokers import Broker, BrokerError, Consumption, Message, Poison, consume
from sekisho.durable import Ending, Job
from sekisho.kit.clock import MICROSECONDS

WORK: Final = "sekisho.work"
"""Topic of orders; every worker is a member of its group."""
RESULTS: Final = "sekisho.results"
"""Topic of endings."""
GROUP: Final = "sekisho"
PATIENCE_S: Final = 30.0
"""How long an order may wait for a worker, beside the time its kind takes."""


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


class RemoteAttempts(Attempts):
    """Attempts whose kinds in `away` are made by workers; all others here.

    Args:
        broker: carries orders and endings.
        away: names of kinds.
        patience_s: how long an order may wait for a worker.
        given: as for `Attempts`.
    """

    def __init__(
        self, broker: Broker, away: Collection[str], patience_s: float, *given: Any
    ) -> None:
        super().__init__(*given)
        self._broker = broker
        self._away = frozenset(away)
        self._patience_s = patience_s
        self._waiting: dict[str, asyncio.Future[Ending]] = {}

    async def listen(self) -> None:
        """Take endings in until cancelled."""
        await consume(self._broker, Consumption(RESULTS, GROUP), self._told)

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
        if job.kind not in self._away:
            return await super()._run(job, kind, params, context)
        wait_s = self._patience_s + kind.timeout_s
        until_us = context.now_us + round(self._patience_s * MICROSECONDS)
        order = Order(job, context.traceparent, until_us)
        answer: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._waiting[_name(job)] = answer
        try:
            async with asyncio.timeout(wait_s):
                message = Message(_name(job), ENCODE(order), job.ordering_key)
                await self._broker.publish(WORK, [message])
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
    """

    def __init__(self, broker: Broker, attempts: Attempts, now_us: Any) -> None:
        self._broker = broker
        self._attempts = attempts
        self._now_us = now_us

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
        if self._now_us() > order.until_us:
            return
        ending = await self._attempts.make(order.job, order.traceparent)
        name = _name(order.job)
        await self._broker.publish(RESULTS, [Message(name, ENCODE(ending), name)])


def _name(job: Job) -> str:
    """One lease of one action: another attempt is another message."""
    return f"{job.id}:{job.fence}"
