"""Runs every benchmark in a process of its own and prints one table.

    python benchmarks/run.py [--quick] [TOPIC …]

A benchmark is a file `bench_<topic>.py` with `run(quick) -> list[dict]`. One that fails is shown as
failed, with the end of what it said, and the others go on.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
CALL = """
import importlib, json, sys
from pathlib import Path
rows = importlib.import_module(sys.argv[1]).run(sys.argv[2] == "quick")
Path(sys.argv[3]).write_text(json.dumps(rows, default=float))
"""
COLUMNS = ("what", "value", "unit", "floor/peer", "ratio", "goal", "met")
LAST_LINES = 4
Cells = tuple[str, str, str, str, str, str, str]
MET = {None: "", True: "yes", False: "NO"}


def main() -> int:
    """Print the table; 1 when a benchmark failed to run, whatever its figures are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", help="such as `rules http`; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, a few minutes in all")
    given = parser.parse_args()
    found = sorted(path.stem for path in HERE.glob("bench_*.py"))
    wanted = [name for name in found if not given.topics or name[6:] in given.topics]
    lines: list[Cells] = []
    failed = 0
    for name in wanted:
        start = perf_counter()
        rows, trouble = measured(name, quick=given.quick)
        print(f"{name}: {perf_counter() - start:.0f} s", file=sys.stderr)
        failed += bool(trouble)
        lines += [(f"── {name[6:]}", "", "", "", "", "", "")]
        lines += [(f"FAILED: {text}", "", "", "", "", "", "NO") for text in trouble]
        lines += [cells(row) for row in rows]
    print(heading(quick=given.quick))
    print_table(lines)
    return 1 if failed else 0


def measured(name: str, *, quick: bool) -> tuple[list[dict[str, object]], list[str]]:
    """The rows of one benchmark, or the end of what it said."""
    result = HERE / f".{name}.{os.getpid()}.json"
    command = [sys.executable, "-c", CALL, name, "quick" if quick else "full", str(result)]
    done = subprocess.run(
        command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    try:
        if done.returncode:
            return [], done.stderr.strip().splitlines()[-LAST_LINES:] or ["it said nothing"]
        rows: list[dict[str, object]] = json.loads(result.read_text())
        return rows, []
    finally:
        result.unlink(missing_ok=True)


def heading(*, quick: bool) -> str:
    """Which machine, and how busy it was: the ratios matter, the absolute figures do not."""
    model = platform.processor() or platform.machine()
    text = Path("/proc/cpuinfo")
    if text.exists():
        names = [line for line in text.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    size = "quick sizes" if quick else "full sizes"
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"CPython {platform.python_version()}; load {load}; {size}. "
        "CPU time unless a row says otherwise.\n"
    )


def cells(row: dict[str, object]) -> Cells:
    """One line of the table."""
    return (
        str(row["what"]),
        number(row["value"]),
        str(row["unit"]),
        number(row["floor_or_peer"]),
        number(row["ratio"]) if row["floor_or_peer"] not in (None, "") else "",
        number(row["goal"]),
        MET[row["met"] if isinstance(row["met"], bool) else None],
    )


def number(value: object) -> str:
    """A figure with three digits that matter; words as they are."""
    if value is None or value != value:  # noqa: PLR0124 — NaN
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def print_table(lines: Sequence[Cells]) -> None:
    widths = [max(len(line[at]) for line in (COLUMNS, *lines)) for at in range(len(COLUMNS))]
    widths[0] = min(widths[0], 78)
    for line in (COLUMNS, *lines):
        aligned = [
            text.rjust(width) if at in (1, 4) else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(aligned).rstrip())


if __name__ == "__main__":
    sys.exit(main())
