"""Runs the server: says when it is ready, drains on SIGTERM."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import uvicorn

from sekisho.durable import StoreError
from sekisho.entrypoints.decision_protocol import decision_protocol
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.patience import end_slow
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.tracing import send_traces
from sekisho.entrypoints.wiring import build_application, open_node

TIDY_EVERY_S = 600
"""Seconds between two rounds of housekeeping."""
GRACE_S = 20
"""Seconds that open requests get to end after SIGTERM."""

ENDING = (signal.SIGTERM, signal.SIGINT)
"""Signals that end the server in good order."""


class Server(uvicorn.Server):
    """Uvicorn, with a line on standard output once requests can be answered."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._announce()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """End on SIGTERM or SIGINT, once.

        Uvicorn would raise the signal again when it has drained, and end the process before the
        log is closed.
        """
        before = {one: signal.signal(one, self.handle_exit) for one in ENDING}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is under way and close the log.

    Raises:
        StoreError: the data directory cannot be used.
        OSError: the address cannot be listened on.
    """
    listener = _listen(settings)
    host, port = listener.getsockname()[:2]
    try:
        end_traces = send_traces(settings.trace_file)
        node = open_node(settings)
    except BaseException:
        listener.close()
        raise

    def announce() -> None:
        place = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"ready http://{place}:{port}\n")
        sys.stdout.flush()

    config = uvicorn.Config(
        build_application(node),
        loop="uvloop",
        http=decision_protocol(node),
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        proxy_headers=False,  # nothing here looks at the client's address
    )
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(node, Server(config, announce), listener))
    finally:
        node.close()
        listener.close()
        end_traces()


async def _run(node: Node, server: Server, listener: socket.socket) -> None:
    node.attach(asyncio.get_running_loop())
    await node.acting.restore()
    node.acting.begin()
    tasks = [
        asyncio.create_task(_housekeeping(node)),
        asyncio.create_task(end_slow(server.server_state.connections)),
    ]
    try:
        await server.serve(sockets=[listener])
        while node.checkpoint.pending:  # noqa: ASYNC110 — at shutdown, a few rounds at most
            await asyncio.sleep(0.001)
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await node.acting.end()
        await node.egress.close()
        node.detach()


async def _housekeeping(node: Node) -> None:
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        with suppress(StoreError):  # a full disk: nothing is lost, the next round goes on
            await node.tidy()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        place = f"{settings.host}:{settings.port}"
        raise OSError(error.errno, error.strerror, place) from error
    listener.listen(1024)
    return listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop  # noqa: PLC0415 — not needed by any other command

    return uvloop.new_event_loop
