"""How long the thread that decides is held up while a long list takes the place of another.

    python benchmarks/bench_lists.py [--quick]

A node's loop runs a task that does nothing but come round again, and remembers the longest time
between two of its rounds, in CPU time of its own thread: what other processes take does not count.
Measured while a list is filled and replaced whole; the peer is the same replacement worked out and
swapped in one step, as `ListBook.replace` does.
"""

import argparse
import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from time import thread_time

from installation import Defence, Row, figure, installed, show
from sekisho.entrypoints.node import Node

EMPTY = Defence(["Block if :customer: in @burnt"], {}, {"burnt": ("customer_id", [])})


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    length = 50_000 if quick else 1_000_000
    with (
        tempfile.TemporaryDirectory(prefix="bench-lists-") as directory,
        installed(Path(directory) / "data", EMPTY) as node,
    ):
        node.owner.run_until(lambda: node.checkpoint.pending == 0)
        longest = asyncio.run(_swapped(node, length))
        assert len(node.book.values["burnt"]) == length
        before = thread_time()
        node.book.replace("burnt", "customer_id", ((f"third{n}", 0) for n in range(length)))
        at_once = (thread_time() - before) * 1e3
    row = figure(f"longest step while {length:,} values are replaced", [longest], "ms")
    row |= {"floor_or_peer": f"in one step {at_once:.0f}", "ratio": longest / at_once}
    return [row]


async def _swapped(node: Node, length: int) -> float:
    """Milliseconds of CPU in the longest turn of the loop."""
    node.attach(asyncio.get_running_loop())
    first, second = ([(f"{stem}{n}", 0) for n in range(length)] for stem in ("first", "second"))
    await node.filler.fill("burnt", first, "bench")
    watching = asyncio.create_task(_watch())
    await node.filler.fill("burnt", second, "bench", replacing=True)
    while node.checkpoint.pending:  # noqa: ASYNC110 — a few rounds at most
        await asyncio.sleep(0.001)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    node.detach()
    return max(TURNS) * 1e3


TURNS: list[float] = []


async def _watch() -> None:
    last = thread_time()
    while True:
        await asyncio.sleep(0)
        now = thread_time()
        TURNS.append(now - last)
        last = now
        if len(TURNS) > 1_000:
            TURNS[:] = [max(TURNS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer values")
    show(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
