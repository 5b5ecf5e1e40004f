"""What becomes of actions: done, tried again, dead, in need of a check, undone."""

import asyncio
from typing import Any

import pytest

from sekisho.actions import ActionRefused, Asked, Limits, Todo, Traffic, Verdict
from sekisho.durable import State


async def ask(shop: Any, name: str, *plan: str, **more: Any) -> str:
    kind = more.pop("kind", "test.work")
    todo = Todo(kind, {"name": name, "plan": list(plan or ("ok",))}, **more)
    await shop.desk.submit(f"act_{name}", todo, Asked("test", shop.clock.now_us()))
    return f"act_{name}"


@pytest.mark.parametrize(
    ("plan", "state", "ends"),
    [
        (("ok",), State.DONE, ["done"]),
        (("again", "unknown", "ok"), State.DONE, ["again", "again", "done"]),
        (("bug", "hang", "ok"), State.DONE, ["again", "again", "done"]),
        (("give up",), State.DEAD, ["dead"]),
        (("again",), State.DEAD, ["again", "again", "used_up"]),
    ],
)
def test_an_action_safe_to_repeat_is_done_or_dead_with_its_reason(
    shop: Any, work: Any, plan: tuple[str, ...], state: State, ends: list[str]
) -> None:
    async def conversation() -> None:
        job = (await shop.settled(await ask(shop, "a", *plan)))["act_a"]
        assert job.state is state
        lines = (await shop.desk.show("act_a")).audit
        assert [line.what for line in lines] == ends
        assert [line.attempt for line in lines] == list(range(1, len(ends) + 1))
        assert job.attempts == len(ends)
        assert bool(job.error) == (state is State.DEAD)
        assert {one.id for one in shop.work.contexts} == {"act_a"}

    work(shop, conversation)


@pytest.mark.parametrize(
    ("plan", "verdict", "state"),
    [
        ("unknown", Verdict.UNKNOWN, State.NEEDS_CHECK),
        ("hang", Verdict.UNKNOWN, State.NEEDS_CHECK),
        ("bug", Verdict.DONE, State.DONE),
    ],
)
def test_an_unknown_end_is_asked_about_where_repeating_is_not_safe(
    shop: Any, work: Any, plan: str, verdict: Verdict, state: State
) -> None:
    async def conversation() -> None:
        shop.delicate.verdict = verdict
        action = await ask(shop, "a", plan, kind="test.delicate")
        assert (await shop.settled(action))[action].state is state
        assert len(shop.delicate.running) == 1

    work(shop, conversation)


def test_a_person_settles_what_needs_a_check(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        for name in ("a", "b", "c"):
            await shop.settled(await ask(shop, name, "unknown", "ok", kind="test.delicate"))
        assert (await shop.desk.settle("act_a", "done", "me")).state is State.DONE
        assert (await shop.desk.settle("act_b", "dead", "me")).state is State.DEAD
        await shop.desk.settle("act_c", "again", "me")
        assert (await shop.settled("act_c"))["act_c"].state is State.DONE
        assert shop.delicate.done == ["c"]
        with pytest.raises(ActionRefused, match="only what is needs_check"):
            await shop.desk.settle("act_a", "done", "me")

    work(shop, conversation)


def test_order_within_a_key_is_kept_whatever_fails(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        plans = [("again", "ok"), ("ok",), ("give up",), ("unknown", "ok"), ("ok",)]
        ids = [await ask(shop, str(n), *plan, ordering_key="k") for n, plan in enumerate(plans)]
        await shop.settled(*ids)
        assert shop.work.done == ["0", "1", "3", "4"]
        assert shop.work.running == ["0", "0", "1", "2", "3", "3", "4"]

    work(shop, conversation)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        job = (await shop.settled(await ask(shop, "a", dry_run=True)))["act_a"]
        assert job.state is State.DONE
        assert job.result.startswith('{"would":"test.work ')
        assert shop.work.running == []
        with pytest.raises(ActionRefused, match="cannot be taken back"):
            await shop.desk.undo("act_a", "me")

    work(shop, conversation)


def test_an_action_is_undone_once_by_its_inverse(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        await shop.settled(await ask(shop, "a"), await ask(shop, "final"))
        first, second = await asyncio.gather(
            shop.desk.undo("act_a", "me"), shop.desk.undo("act_a", "me")
        )
        assert (first.id, first.undo_of) == (second.id, "act_a")
        await shop.settled(first.id)
        assert shop.work.done.count("undo a") == 1
        with pytest.raises(ActionRefused, match="cannot be taken back"):
            await shop.desk.undo("act_final", "me")

    work(shop, conversation)


def test_what_is_dead_is_replayed_and_what_waits_is_cancelled(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        await shop.settled(await ask(shop, "a", "give up", "ok"))
        await shop.desk.replay("act_a", "me")
        assert (await shop.settled("act_a"))["act_a"].state is State.DONE
        later = await ask(shop, "later", delay_s=60)
        assert (await shop.desk.cancel(later, "me")).state is State.CANCELLED
        with pytest.raises(ActionRefused, match="only what is ready"):
            await shop.desk.cancel("act_a", "me")
        with pytest.raises(ActionRefused, match="no such action"):
            await shop.desk.cancel("act_nobody", "me")

    work(shop, conversation)


def test_a_chain_goes_on_while_conditions_hold_and_steps_are_done(shop: Any, work: Any) -> None:
    def step(name: str, when: str = "", *plan: str) -> dict[str, Any]:
        params = {"name": name, "plan": list(plan or ("ok",))}
        return {"kind": "test.work", "params": params, "when": when}

    async def conversation() -> None:
        steps = [
            step("small", ":amount: < 10"),
            step("big", ":amount: > 10"),
            step("unknown", ":card_country: = 'JP'"),
            step("stuck", "", "give up"),
            step("never"),
        ]
        context = b'{"attributes":{"amount":50}}'
        asked = Asked("test", shop.clock.now_us(), context=context, ordering_key="k")
        await shop.desk.submit("act_chain", Todo("chain.run", {"steps": steps}), asked)
        await shop.until(lambda: "stuck" in shop.work.running)
        await shop.settled("act_chain")
        assert shop.work.running == ["big", "stuck"]

    work(shop, conversation)


def test_a_chain_with_a_condition_nobody_can_read_is_refused(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        steps = [{"kind": "test.work", "params": {"name": "x"}, "when": ":amout: > 1"}]
        with pytest.raises(ActionRefused, match="amout"):
            await shop.desk.submit("act_1", Todo("chain.run", {"steps": steps}), Asked("test", 1))
        with pytest.raises(ActionRefused, match="no action kind"):
            await shop.desk.submit("act_1", Todo("no.such", {}), Asked("test", 1))
        with pytest.raises(ActionRefused, match="unknown field"):
            await shop.desk.submit("act_1", Todo("test.work", {"x": 1}), Asked("test", 1))

    work(shop, conversation)


def test_a_long_attempt_keeps_its_lease(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        type(shop.work).timeout_s = 2
        try:
            action = await ask(shop, "a", "hang")
            await asyncio.sleep(1)  # three times as long as a lease
            assert (await shop.desk.show(action)).job.state is State.LEASED
            assert shop.work.running == ["a"]
        finally:
            type(shop.work).timeout_s = 0.2

    work(shop, conversation)


def test_another_action_is_asked_for_after_a_while(shop: Any, work: Any) -> None:
    async def conversation() -> None:
        params = {"delay_s": 0.05, "kind": "test.work", "params": {"name": "late"}}
        await shop.desk.submit(
            "act_again", Todo("again.after", params), Asked("test", shop.clock.now_us())
        )
        await shop.until(lambda: bool(shop.work.done))
        first, late = shop.clock.now_us(), shop.work.contexts[0]
        assert late.accepted_us + 50_000 <= late.now_us <= first

    work(shop, conversation)


def test_a_receiver_that_fails_is_left_alone_and_probed() -> None:
    traffic, second = Traffic(Limits(1000, 1000)), 1_000_000
    for _ in range(5):
        assert traffic.admit("host", 0) == 0
        traffic.note("host", 0, is_up=False)
    assert traffic.admit("host", second) == 5 * second
    assert traffic.open() == ["host"]
    assert traffic.admit("other", second) == 0
    assert traffic.admit("host", 5 * second) == 0  # the probe, alone
    assert traffic.admit("host", 5 * second) > 5 * second
    traffic.note("host", 5 * second, is_up=False)
    assert traffic.admit("host", 14 * second) == 15 * second  # twice as long
    assert traffic.admit("host", 15 * second) == 0
    traffic.note("host", 15 * second, is_up=True)
    assert traffic.admit("host", 15 * second) == 0
    assert traffic.open() == []


def test_a_rate_limit_spreads_those_who_wait() -> None:
    traffic = Traffic(Limits(10, 2))
    assert [traffic.admit("host", 0) for _ in range(4)] == [0, 0, 200_000, 300_000]
    assert traffic.admit("", 0) == 0
    assert traffic.admit("host", 200_000) == 0
