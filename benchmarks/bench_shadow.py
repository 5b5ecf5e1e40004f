"""What a whole rule set in shadow costs a decision, beside the same decision without one.

    python benchmarks/bench_shadow.py [--quick]

Fifty rules are live. In shadow is nothing, the same set with five rules changed, or fifty rules
that have nothing in common with the live ones. Figures are microseconds of CPU per decision without
the log, median of interleaved repeats; the ratio is to the node without a shadow. Before anything
is timed, the live outcomes of all three are compared.
"""

import argparse
import asyncio
import gc
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec

from bench_decide import settle_all, submit, without_log
from installation import (
    REPEATS,
    Defence,
    Row,
    bodies,
    cpu_us,
    figure,
    installed,
    many_rules,
    payments,
    show,
)
from sekisho.entrypoints.node import Node
from sekisho.flow import Checkpoint
from sekisho.rules import DraftRule

LIVE = many_rules(50)
SHADOWS: dict[str, Defence | None] = {
    "no set in shadow": None,
    "a set in shadow, 5 of 50 rules changed": replace(
        LIVE, rules=[*LIVE.rules[:45], *many_rules(5).rules]
    ),
    "a set in shadow, 50 other rules": replace(LIVE, rules=many_rules(51).rules[:50]),
}


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    events = payments(1_000 if quick else 4_000)
    times: dict[str, list[float]] = {name: [] for name in SHADOWS}
    with ExitStack() as stack:
        nodes = {name: _node(stack, one) for name, one in SHADOWS.items()}
        outcomes = [
            [_outcome(node, one) for one in bodies(events[:300])] for node in nodes.values()
        ]
        assert outcomes[0] == outcomes[1] == outcomes[2]
        bare = {name: Checkpoint(without_log(node)) for name, node in nodes.items()}
        for repeat in range(REPEATS):
            sent = bodies(events, f"_r{repeat}")
            gc.collect()
            gc.freeze()
            for name, checkpoint in bare.items():
                times[name].append(cpu_us(lambda: submit(checkpoint, sent), len(events)))  # noqa: B023 — run at once
                settle_all(checkpoint)
    alone = sorted(next(iter(times.values())))[REPEATS // 2]
    rows = [figure(f"decide, {name}", found, "us") for name, found in times.items()]
    for row in rows:
        row |= {"floor_or_peer": "no shadow", "ratio": float(str(row["value"])) / alone}
    return rows


def _node(stack: ExitStack, shadow: Defence | None) -> Node:
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-shadow-"))
    node = stack.enter_context(installed(Path(directory) / "data", LIVE))
    if shadow is not None:
        asyncio.run(_put_in_shadow(node, shadow))
    return node


async def _put_in_shadow(node: Node, shadow: Defence) -> None:
    await node.policy.save_draft([DraftRule(text) for text in shadow.rules], "bench")
    await node.policy.put_in_shadow("bench", "")


def _outcome(node: Node, sent: bytes) -> object:
    return msgspec.json.decode(node.decide(sent).body)["outcome"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer events")
    show(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
