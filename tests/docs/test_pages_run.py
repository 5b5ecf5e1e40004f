"""What the pages tell people to type is typed, and gives what the pages say."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .pages import ROOT, Block, all_pages, blocks_of

PORT_IN_PAGES = "8321"
NEXT_BLOCK = "───next block───"
BASH = shutil.which("bash") or "bash"
COMMANDS = Path(sys.executable).parent
SAME_AS_ENGLISH = "README.ja.md"
"""Its blocks are compared with those of the English page."""
RUN_PAGES = [
    page
    for page in all_pages()
    if page.name != SAME_AS_ENGLISH and any(one.use == "run" for one in blocks_of(page))
]
PATIENCE_S = 600
"""A first start after a change of the kernel compiles it anew: long, on a busy machine."""
pytestmark = pytest.mark.timeout(2 * PATIENCE_S)


@contextmanager
def served(command: str, place: Path, environment: dict[str, str]) -> Iterator[None]:
    """The page's server, in a terminal of its own."""
    with subprocess.Popen(
        [BASH, "-c", f"exec {command.strip()}"],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready http://127.0.0.1:")
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def outputs_of(blocks: list[Block], place: Path, environment: dict[str, str]) -> list[str]:
    """What each block that is run prints, all typed into one shell."""
    typed = f"\necho '{NEXT_BLOCK}'\n".join(one.text for one in blocks if one.use == "run")
    done = subprocess.run(
        [BASH, "-c", f"set -eo pipefail\n{typed}"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.split(f"{NEXT_BLOCK}\n")


def is_line_of(wanted: str, printed: str) -> bool:
    """Whether a line stands in what was printed; `…` stands for anything, spaces for spaces."""
    pattern = ".*".join(re.escape(part) for part in " ".join(wanted.split()).split("…"))
    return any(re.fullmatch(pattern, " ".join(line.split())) for line in printed.splitlines())


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl, which is not here")
@pytest.mark.parametrize("page", RUN_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_tells_to_type_gives_what_it_shows(page: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SEKISHO_")},
        "PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}",
        "SEKISHO_PORT": port,
        "COLUMNS": "200",
    }
    blocks = [
        Block(one.use, one.text.replace(PORT_IN_PAGES, port), one.line) for one in blocks_of(page)
    ]
    servers = [one.text for one in blocks if one.use == "serve"]
    if servers:
        with served(servers[0], tmp_path, environment):
            printed = iter(outputs_of(blocks, tmp_path, environment))
    else:
        printed = iter(outputs_of(blocks, tmp_path, environment))
    last = ""
    for block in blocks:
        if block.use == "run":
            last = next(printed)
        if block.use == "expect":
            for line in block.text.splitlines():
                assert not line.strip() or is_line_of(line, last), (
                    f"line {block.line}: `{line}` is not in\n{last}"
                )
