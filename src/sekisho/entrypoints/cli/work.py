"""`sekisho work`: carries out what a server hands over a broker."""

import asyncio
import random
import signal
from typing import Annotated

import typer

from sekisho.actions import Attempts, Bus, Limits, Services, Traffic, Worker, installed_kinds
from sekisho.brokers import BrokerError, open_broker, stop
from sekisho.entrypoints.cli.console import OUT, fail
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids


def work_command(
    broker: Annotated[
        str,
        typer.Option(
            envvar="SEKISHO_BROKER", help="the server's broker, such as nats://127.0.0.1:4222"
        ),
    ],
    concurrency: Annotated[int, typer.Option(min=1, help="attempts at the same time")] = 64,
    rate: Annotated[int, typer.Option(min=1, help="attempts a second at one destination")] = 100,
) -> None:
    """Carry out actions that a server hands over (its SEKISHO_WORKER_ACTIONS names their kinds).

    Ends on SIGTERM or Ctrl-C, after what is under way; whatever is not is given to another worker.
    """
    clock = SystemClock()
    name = Ids(clock).new("work")
    try:
        port = open_broker(broker, name)
    except BrokerError as error:
        fail(str(error))
    kinds = installed_kinds(Services(Bus(port)))
    attempts = Attempts(kinds, Traffic(Limits(rate, rate)), clock, random.random, name)

    async def run() -> None:
        task = asyncio.create_task(Worker(port, attempts, clock).run(concurrency))
        ending = asyncio.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, ending.set)
        OUT.print(f"working as {name}")
        told = asyncio.create_task(ending.wait())
        await asyncio.wait((task, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if task.done():
            task.result()  # it never returns: this raises what went wrong
        await stop(task)
        await port.close()

    asyncio.run(run())
