"""What every adapter of the queue keeps: the leases, the order, the counts, the audit."""

from collections.abc import Callable
from typing import Any

import pytest

from sekisho.durable import Claiming, Ending, Held, Job, Move, OutboxRow, Queue, State, Wanted

Rows = Callable[..., OutboxRow]
LEASE = 30_000_000


async def claim(queue: Queue, now_us: int = 2000, limit: int = 10, owner: str = "me") -> list[Job]:
    return list((await queue.claim(Claiming(owner, now_us, LEASE, limit))).jobs)


def done(job: Job, **more: Any) -> Ending:
    return Ending(job, State.DONE, "done", 2000, 2001, who="me", **more)


def again(job: Job, not_before_us: int) -> Ending:
    return Ending(job, State.READY, "again", 2000, 2001, "no", not_before_us=not_before_us)


async def whole(queue: Queue, action_id: str) -> Job:
    found = await queue.find(action_id)
    assert found is not None
    return found


def test_an_id_is_taken_in_once(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        first = await queue.submit([row("a", digest=b"1"), row("b", digest=b"2")])
        assert [(one.id, one.is_new) for one in first] == [("a", True), ("b", True)]
        (again_,) = await queue.submit([row("a", digest=b"3", kind="other")])
        assert (again_.is_new, again_.digest) == (False, b"1".hex())
        assert [job.kind for job in await claim(queue)] == ["a.b", "a.b"]

    talk(conversation)


def test_a_claim_counts_the_attempt_and_nobody_else_gets_the_job(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a")])
        (job,) = await claim(queue)
        assert (job.state, job.attempts, job.fence) == (State.LEASED, 1, 1)
        assert job.lease_until_us == 2000 + LEASE
        assert await claim(queue, owner="other") == []
        kept = await whole(queue, "a")
        assert (kept.state, kept.attempts, kept.fence) == (State.LEASED, 1, 1)

    talk(conversation)


def test_what_is_not_due_waits_and_the_queue_says_until_when(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("later", due_at_us=9000), row("now")])
        claimed = await queue.claim(Claiming("me", 2000, LEASE, 10))
        assert [job.id for job in claimed.jobs] == ["now"]
        assert claimed.next_us == 9000
        assert [job.id for job in await claim(queue, 9000)] == ["later"]
        assert (await queue.claim(Claiming("me", 9000, LEASE, 10))).next_us is None

    talk(conversation)


def test_the_end_of_a_lost_lease_is_void_with_all_that_follows(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a")])
        (slow,) = await claim(queue)
        assert await queue.sweep(2000 + LEASE, ()) == 1
        (quick,) = await claim(queue, 3000 + LEASE, owner="other")
        assert quick.fence > slow.fence
        late = done(slow, result='{"who":"slow"}', then=(row("a.then"),))
        assert await queue.end([late]) == frozenset()
        assert await queue.find("a.then") is None
        assert await queue.end([done(quick, result='{"who":"quick"}')]) == {quick.seq}
        assert (await whole(queue, "a")).result == '{"who":"quick"}'
        assert await queue.end([done(quick)]) == frozenset()  # ended is ended

    talk(conversation)


def test_what_follows_is_there_exactly_when_the_action_is_done(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a")])
        (job,) = await claim(queue)
        await queue.end([done(job, then=(row("b"), row("c")))])
        assert [one.id for one in await claim(queue)] == ["b", "c"]

    talk(conversation)


def test_a_renewed_lease_outlives_the_sweep(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a"), row("b")])
        a, b = await claim(queue)
        assert await queue.renew([a], 5000 + LEASE) == {a.seq}
        assert await queue.sweep(2000 + LEASE, ()) == 1
        assert (await whole(queue, "a")).state is State.LEASED
        assert (await whole(queue, "b")).state is State.READY
        assert await queue.renew([a, b], 9000 + LEASE) == {a.seq}

    talk(conversation)


@pytest.mark.parametrize("asks", ["row", "kind"])
def test_a_lapsed_lease_needs_a_check_where_repeating_is_not_safe(
    talk: Any, row: Rows, asks: str
) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a", retry="ask" if asks == "row" else "safe")])
        await claim(queue)
        await queue.sweep(2000 + LEASE, ["a.b"] if asks == "kind" else [])
        kept = await whole(queue, "a")
        assert kept.state is State.NEEDS_CHECK
        assert [line.what for line in await queue.audit(kept)] == ["lapsed"]
        assert await claim(queue, 3000 + LEASE) == []

    talk(conversation)


def test_leases_of_dead_owners_are_void_at_once(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a"), row("b")])
        await claim(queue, limit=1, owner="before")
        await claim(queue, limit=1, owner="now")
        assert await queue.sweep(2000, (), owner="now") == 1
        assert (await whole(queue, "a")).state is State.READY
        assert (await whole(queue, "b")).state is State.LEASED

    talk(conversation)


def test_attempts_that_are_used_up_end_as_dead(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("poison", attempts_max=2), row("fine", due_at_us=2000)])
        for attempt in (1, 2):
            poison = next(job for job in await claim(queue, 2000 * attempt) if job.id == "poison")
            assert poison.attempts == attempt
            await queue.sweep(0, (), owner="next process")
        kept = await whole(queue, "poison")
        assert (kept.state, kept.error) == (State.DEAD, "its attempts are used up")
        assert [line.what for line in await queue.audit(kept)] == ["lapsed", "lapsed"]
        assert (await whole(queue, "fine")).state is not State.DEAD

    talk(conversation)


def test_a_deadline_that_has_passed_ends_as_dead_without_an_attempt(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a", deadline_us=1500), row("b", deadline_us=2500)])
        assert [job.id for job in await claim(queue)] == ["b"]
        kept = await whole(queue, "a")
        assert (kept.state, kept.attempts) == (State.DEAD, 0)
        assert kept.error == "its deadline has passed"

    talk(conversation)


def test_actions_of_one_key_run_one_after_another(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        keyed = [row(f"k{n}", ordering_key="k") for n in range(3)]
        await queue.submit([*keyed, row("other", ordering_key="o"), row("free")])
        assert {job.id for job in await claim(queue)} == {"k0", "other", "free"}
        assert (await whole(queue, "k1")).held is Held.BEHIND
        first = await whole(queue, "k0")
        await queue.end([again(first, 5000)])
        assert await claim(queue) == []  # the first waits for its next attempt, the others for it
        (first,) = await claim(queue, 5000)
        await queue.end([done(first)])
        (second,) = await claim(queue, 5000)
        assert second.id == "k1"
        await queue.end([Ending(second, State.DEAD, "dead", 1, 1)])
        assert [job.id for job in await claim(queue, 5000)] == ["k2"]

    talk(conversation)


def test_a_cancelled_action_lets_the_next_of_its_key_go(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("k0", ordering_key="k", due_at_us=1), row("k1", ordering_key="k")])
        (first,) = await claim(queue)
        await queue.end([again(first, 9_000_000)])
        assert await claim(queue) == []
        moved = await queue.move(
            Move("k0", (State.READY,), State.CANCELLED, "cancelled", "key_1", 2000)
        )
        assert moved is not None
        assert [job.id for job in await claim(queue)] == ["k1"]

    talk(conversation)


def test_a_replayed_action_waits_for_one_of_its_key_that_is_under_way(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("k0", ordering_key="k", due_at_us=1), row("k1", ordering_key="k")])
        (first,) = await claim(queue)
        await queue.end([Ending(first, State.DEAD, "dead", 1, 1)])
        (second,) = await claim(queue)
        await queue.move(Move("k0", (State.DEAD,), State.READY, "replayed", "key_1", 2000))
        assert await claim(queue) == []
        await queue.end([done(second)])
        assert [job.id for job in await claim(queue)] == ["k0"]

    talk(conversation)


def test_what_is_paused_waits_and_goes_on(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a"), row("b", kind="c.d", destination="host"), row("c")])
        await queue.pause("kind", "a.b", "key_1", 1)
        await queue.pause("destination", "host", "key_1", 2)
        assert await claim(queue) == []
        assert {one.name for one in await queue.pauses()} == {"a.b", "host"}
        assert (await queue.depths()).held == 3
        assert await queue.resume("destination", "host") is True
        assert [job.id for job in await claim(queue)] == ["b"]
        assert await queue.resume("kind", "a.b") is True
        assert [job.id for job in await claim(queue)] == ["a", "c"]
        assert await queue.resume("kind", "a.b") is False

    talk(conversation)


def test_an_attempt_that_was_not_made_is_given_back(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a")])
        (job,) = await claim(queue)
        spared = Ending(job, State.READY, "spared", 1, 1, not_before_us=7000, uncounted=True)
        await queue.end([spared])
        kept = await whole(queue, "a")
        assert (kept.attempts, kept.not_before_us) == (0, 7000)
        assert await queue.audit(kept) == []

    talk(conversation)


def test_people_move_only_what_is_where_they_expect_it(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row("a", attempts_max=1)])
        (job,) = await claim(queue)
        cancel = Move("a", (State.READY,), State.CANCELLED, "cancelled", "key_1", 3000)
        assert await queue.move(cancel) is None
        await queue.end([Ending(job, State.DEAD, "dead", 2000, 2001, "gone")])
        assert (await queue.depths()).dead == 1
        replay = Move("a", (State.DEAD,), State.READY, "replayed", "key_1", 4000)
        moved = await queue.move(replay)
        assert moved is not None
        assert (moved.state, moved.error, moved.attempts_max) == (State.READY, None, 9)
        (job,) = await claim(queue, 4000)
        assert job.attempts == 2
        lines = [(line.what, line.who) for line in await queue.audit(job)]
        assert lines == [("dead", ""), ("replayed", "key_1")]
        missing = Move("nobody", (State.DEAD,), State.READY, "replayed", "key_1", 4000)
        assert await queue.move(missing) is None

    talk(conversation)


def test_lists_show_the_newest_first_and_notes_only_when_asked(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit([row(f"a{n}", kind=f"k.{n % 2}") for n in range(6)])
        await queue.submit([row("note", is_note=True)])
        newest = await queue.newest(Wanted(limit=2))
        assert [job.id for job in newest] == ["a5", "a4"]
        more = await queue.newest(Wanted(limit=9, before=newest[-1].seq, kind="k.0"))
        assert [job.id for job in more] == ["a2", "a0"]
        assert [job.id for job in await queue.newest(Wanted(state=State.NOTED))] == ["note"]
        assert [job.id for job in await claim(queue)] == [f"a{n}" for n in range(6)]
        (job, *_) = await queue.newest(Wanted(limit=1))
        await queue.end([Ending(job, State.DEAD, "dead", 1, 1)])
        assert [one.id for one in await queue.newest(Wanted(state=State.DEAD))] == ["a5"]

    talk(conversation)


def test_what_is_over_is_forgotten_by_age_and_the_dead_are_kept(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        names = ["old", "dead", "young", "waits"]
        await queue.submit([row(n, due_at_us=5000 if n == "young" else 1000) for n in names])
        for job in await claim(queue, 5000):
            state = State.DEAD if job.id == "dead" else State.DONE
            ending = Ending(job, state, state.name.lower(), 1, 1)
            await queue.end([ending] if job.id != "waits" else [again(job, 6000)])
        assert await queue.prune(4000) == 1
        assert [job.id for job in await queue.newest(Wanted())] == ["waits", "young", "dead"]

    talk(conversation)


def test_how_often_an_origin_asked_is_known(talk: Any, row: Rows) -> None:
    async def conversation(queue: Queue) -> None:
        await queue.submit(
            [
                row("a", origin="policy:big", subject="x", accepted_us=5),
                row("b", origin="policy:big", subject="y", accepted_us=9),
                row("c", origin="api:key_1", accepted_us=9),
            ]
        )
        found = await queue.since("policy:", 6)
        assert [(one.origin, one.subject, one.accepted_us) for one in found] == [
            ("policy:big", "y", 9)
        ]

    talk(conversation)


def test_without_the_fence_a_late_end_overwrites_and_is_seen(
    talk: Any, row: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everybody(_connection: object, jobs: list[Job]) -> frozenset[int]:
        return frozenset(job.seq for job in jobs)

    monkeypatch.setattr("sekisho.durable.sqlite._owned", everybody)
    with pytest.raises(AssertionError):
        test_the_end_of_a_lost_lease_is_void_with_all_that_follows(talk, row)
