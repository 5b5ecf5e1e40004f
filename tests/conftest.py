"""What all tests share: the same cases of a property each time, new ones in a soak; one Spark."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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


@pytest.fixture(scope="session")
def spark() -> "Iterator[SparkSession]":
    """A Spark of this machine; its tests are of the group `spark`, so that there is only one."""
    if shutil.which("java") is None:
        why = "Spark needs Java 17 or newer: install openjdk-17-jre-headless"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    from pyspark.sql import SparkSession  # noqa: PLC0415 — heavy, and only these tests need it

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings_of = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.driver.memory": "1g",
        "spark.sql.session.timeZone": "UTC",
    }
    session = SparkSession.builder.master("local[2]").config(map=settings_of).getOrCreate()
    yield session
    session.stop()
