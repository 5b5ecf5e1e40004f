"""What every broker must do alike, whatever it is called."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sekisho.brokers import (
    Broker,
    BrokerError,
    BrokerUnavailable,
    Consumption,
    Delivery,
    Message,
    Poison,
    consume,
    open_broker,
)

from .conftest import LONG, Meeting

GROUP = "workers"
Meet = Callable[[Callable[[Meeting], Any]], None]


async def drain(broker: Broker, topic: str, wanted: int, group: str = GROUP) -> list[Delivery]:
    """Receive until so many have come; a test's own time limit ends a wait in vain."""
    got: list[Delivery] = []
    while len(got) < wanted:
        got += await broker.receive(topic, group, 100, 1.0)
    return got


async def silence(broker: Broker, topic: str, seconds: float = 2.5) -> list[Delivery]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    got: list[Delivery] = []
    while loop.time() < end:
        got += await broker.receive(topic, GROUP, 100, 0.3)
    return got


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 — what is waited for sets no event
        await asyncio.sleep(0.05)


def test_a_message_arrives_as_it_was_sent(meet: Meet) -> None:
    async def scenario(meeting: Meeting) -> None:
        broker = meeting.client()
        await broker.declare(meeting.topic, GROUP)
        sent = [
            Message("m1", b'{"a": 1}', "k1", {"ce-type": "sekisho.action", "note": "関所"}),
            Message("m2", b"\x00\xff not text", "k2"),
        ]
        await broker.publish(meeting.topic, sent)
        got = await drain(broker, meeting.topic, 2)
        assert {d.message.id: d.message.body for d in got} == {m.id: m.body for m in sent}
        assert {d.message.key for d in got} == {"k1", "k2"}
        assert {d.attempt for d in got} == {1}
        (first,) = [d.message for d in got if d.message.id == "m1"]
        assert first.headers["ce-type"] == "sekisho.action"
        assert first.headers["note"] == "関所"
        for delivery in got:
            await delivery.done()
        assert await silence(broker, meeting.topic) == []

    meet(scenario)


@LONG
def test_what_was_sent_before_anyone_listened_is_not_missed(meet: Meet) -> None:
    async def scenario(meeting: Meeting) -> None:
        await meeting.client().declare(meeting.topic, GROUP)
        await meeting.client("two").publish(meeting.topic, [Message("m1", b"early")])
        late = meeting.client("three")
        await late.declare(meeting.topic, GROUP)
        (delivery,) = await drain(late, meeting.topic, 1)
        assert delivery.message.body == b"early"

    async def alone(meeting: Meeting) -> None:
        first = meeting.client()
        await first.declare(meeting.topic, GROUP)
        await first.close()
        await scenario(meeting)

    meet(alone)


def test_what_is_given_back_comes_again_and_is_counted(meet: Meet) -> None:
    async def scenario(meeting: Meeting) -> None:
        broker = meeting.client()
        await broker.declare(meeting.topic, GROUP)
        await broker.publish(meeting.topic, [Message("m1", b"x")])
        for attempt in (1, 2, 3):
            (delivery,) = await drain(broker, meeting.topic, 1)
            assert (delivery.message.id, delivery.attempt) == ("m1", attempt)
            await delivery.again(0.2)
        (delivery,) = await drain(broker, meeting.topic, 1)
        await delivery.done()

    meet(scenario)


@LONG
def test_what_a_lost_member_held_goes_to_another(meet: Meet) -> None:
    async def scenario(meeting: Meeting) -> None:
        lost, heir = meeting.client("lost"), meeting.client("heir")
        await lost.declare(meeting.topic, GROUP)
        await lost.publish(meeting.topic, [Message(f"m{n}", b"x") for n in range(5)])
        held = await drain(lost, meeting.topic, 5)
        await held[0].done()
        await lost.close()
        await heir.declare(meeting.topic, GROUP)
        again = await drain(heir, meeting.topic, 4)
        assert {d.message.id for d in again} >= {d.message.id for d in held[1:]}
        if meeting.bench.name != "kafka":  # where an offset waits for those before it
            assert held[0].message.id not in {d.message.id for d in again}

    with_short_leases(meet, scenario)


@LONG
def test_each_group_sees_every_message(meet: Meet) -> None:
    async def scenario(meeting: Meeting) -> None:
        broker, other = meeting.client(), meeting.client("two")
        await broker.declare(meeting.topic, "a")
        await other.declare(meeting.topic, "b")
        await broker.publish(meeting.topic, [Message(f"m{n}", b"x") for n in range(20)])
        for client, group in ((broker, "a"), (other, "b")):
            got = await drain(client, meeting.topic, 20, group)
            assert sorted(d.message.id for d in got) == sorted(f"m{n}" for n in range(20))

    meet(scenario)


def test_handled_means_acknowledged_after_the_handler(meet: Meet) -> None:
    """Failures are tried again, poison is put aside with its reason, one key keeps its order."""

    async def scenario(meeting: Meeting) -> None:
        broker = meeting.client()
        seen: list[str] = []

        async def handler(message: Message) -> None:
            seen.append(message.id)
            if message.body == b"poison":
                raise Poison("not a CloudEvent")
            if message.body == b"never":
                raise OSError("receiver is down")
            if message.body == b"twice" and seen.count(message.id) < 3:
                raise OSError("receiver is down")

        await broker.declare(meeting.topic, GROUP)
        await broker.publish(
            meeting.topic,
            [
                *(Message(i, i.encode(), f"key-{i}") for i in ("poison", "never", "twice")),
                *(Message(f"k{n}", b"in order", "k") for n in range(10)),
            ],
        )
        what = Consumption(meeting.topic, GROUP, wait_s=0.3, attempts=4, pause_s=0.05)
        task = asyncio.create_task(consume(broker, what, handler))
        dead = meeting.client("dead")
        await dead.declare(f"{meeting.topic}.dead", GROUP)
        reasons: dict[str, str] = {}
        while len(reasons) < 2:
            for letter in await drain(dead, f"{meeting.topic}.dead", 1):
                reasons[letter.message.id] = letter.message.headers["sekisho-reason"]
                await letter.done()
        assert reasons == {
            "poison.dead": "not a CloudEvent",
            "never.dead": "OSError('receiver is down')",
        }
        await until(lambda: seen.count("twice") == 3 and "k9" in seen)
        assert [i for i in seen if i.startswith("k")] == [f"k{n}" for n in range(10)]
        assert seen.count("poison") == 1
        assert seen.count("never") == 4
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    meet(scenario)


@LONG
def test_a_killed_broker_loses_nothing_it_confirmed(meet: Meet, bench: Any) -> None:
    if bench.service is None:
        pytest.skip(f"{bench.name}: no server process of its own here")

    async def scenario(meeting: Meeting) -> None:
        broker = meeting.client()
        seen: set[str] = set()

        async def handler(message: Message) -> None:
            seen.add(message.id)

        await broker.declare(meeting.topic, GROUP)
        sent = {f"m{n}" for n in range(50)}
        await broker.publish(meeting.topic, [Message(i, b"x") for i in sorted(sent)])
        bench.service.kill()
        with pytest.raises(BrokerUnavailable, match=r"\w+: .+"):
            await meeting.client("two").publish(meeting.topic, [Message("lost", b"x")])
        what = Consumption(meeting.topic, GROUP, wait_s=0.3)
        task = asyncio.create_task(consume(broker, what, handler))
        await asyncio.sleep(0.5)
        assert not task.done()
        await asyncio.to_thread(bench.service.start)
        await until(lambda: sent <= seen)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    meet(scenario)


def test_an_address_that_names_no_broker_says_which_there_are() -> None:
    with pytest.raises(BrokerError, match="nats://, "):
        open_broker("http://127.0.0.1", "one")


def with_short_leases(meet: Meet, scenario: Callable[[Meeting], Any]) -> None:
    """Its shortest acknowledgement deadline is ten seconds; too long to wait for here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sekisho.brokers.pubsub.LEASE_S", 1)
        meet(scenario)
