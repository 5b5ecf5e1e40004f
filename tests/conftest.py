"""What all tests share: the same cases of a property each time, new ones in a soak."""

import os
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import settings

SOAK = os.environ.get("SEKISHO_SOAK") == "1"
TELL_EVERY_S = 10

settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("soak", print_blob=True)
settings.load_profile("soak" if SOAK else "same")


@pytest.fixture
def progress(request: pytest.FixtureRequest) -> Callable[[int, int], None]:
    """Tells how far a long run is, past what pytest captures; silent outside a soak."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    start = last = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if not SOAK or (done < of and now - last < TELL_EVERY_S):
            return
        last = now
        with capture.global_and_fixture_disabled():
            name = request.node.name
            print(f"{name}: {done:,} of {of:,}, {now - start:.0f} s", file=sys.stderr, flush=True)  # noqa: T201 — to the person who waits

    return tell
