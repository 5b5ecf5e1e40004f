"""A process that runs one backtest: the job comes in on standard input, lines of JSON go out.

Decisions are answered elsewhere meanwhile: this process is nice, and has a memory of its own.
"""

import os
import sys
from contextlib import suppress
from typing import Any, Final

import msgspec

from sekisho.entrypoints.backtesting import Job, run_job
from sekisho.history import HistoryDamaged
from sekisho.learning import BacktestRefused
from sekisho.rules import RulesRefused
from sekisho.velocity import CounterRefused

NICENESS: Final = 10
"""Added to the process's own: decisions come first."""


def main() -> None:
    """Run the job; the last line is `{"result": …}` or `{"error": …}`."""
    with suppress(OSError):
        os.nice(NICENESS)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        _tell({"result": run_job(job, lambda events: _tell({"events": events}))})
    except (BacktestRefused, RulesRefused, CounterRefused, HistoryDamaged) as refused:
        _tell({"error": str(refused)})


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
