"""Runs `sekisho serve` again and again without the seconds of loading: started by the tests.

For every JSON line `{"arguments": […], "environment": {…}, "crash_at": "…", "bug": "…"}` it forks a
child that is the command itself, and tells on its output `pid N`, `ready URL` and `exit STATUS`.
"""

import json
import os
import resource
import sys
import traceback
from typing import Any

from sekisho.durable import Store
from sekisho.durable.seams import arm
from sekisho.entrypoints.cli import main as command
from sekisho.entrypoints.serving import serve
from sekisho.events import Event, ReceiveContext
from sekisho.flow import Checkpoint, Done, Reply, checkpoint
from sekisho.flow.checkpoint import OK
from sekisho.flow.fold import Undo
from sekisho.ledger import Entry
from sekisho.ledger.seen import SeenIds
from sekisho.velocity import warm


def break_on_purpose(bug: str) -> None:
    """Put a known bug in, for the checker that must find it."""
    if bug == "ack-early":
        record = Checkpoint._record

        def early(self: Checkpoint, entry: Entry, undo: Undo, done: Done) -> None:
            done(Reply(OK, entry.answer))
            record(self, entry, undo, done)

        Checkpoint._record = early  # type: ignore[method-assign] — the seeded fault
    if bug == "leak":
        record, kept = Checkpoint._record, list[bytes]()

        def keeping(self: Checkpoint, entry: Entry, undo: Undo, done: Done) -> None:
            kept.append(entry.answer)
            record(self, entry, undo, done)

        Checkpoint._record = keeping  # type: ignore[method-assign] — the seeded fault
    if bug == "door":
        receive = checkpoint.receive

        def fragile(body: bytes, now_us: int, context: ReceiveContext) -> Event:
            if b"\\u" in body:
                raise ZeroDivisionError
            return receive(body, now_us, context)

        checkpoint.receive = fragile


def serve_once(asked: dict[str, Any]) -> None:
    os.environ.update(asked.get("environment", {}))
    limit = asked.get("file_size")
    if limit:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    break_on_purpose(asked.get("bug", ""))
    arm(asked.get("crash_at", ""))
    sys.argv = ["sekisho", "serve", *asked["arguments"]]
    command()


def main() -> None:
    assert serve, Store  # loaded now, as are the compiled kernels, which every child then has
    warm()
    SeenIds(0)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                serve_once(json.loads(line))
                os._exit(0)
            except SystemExit as end:
                os._exit(int(end.code or 0))
            finally:
                traceback.print_exc()
                os._exit(1)
        os.write(1, f"pid {pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(1, f"exit {os.waitstatus_to_exitcode(status)}\n".encode())


main()
