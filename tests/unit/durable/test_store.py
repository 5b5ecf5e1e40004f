"""The store: group commit, undoing alone, full disks, closing."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import apsw
import pytest

from sekisho.durable import (
    DirectoryTaken,
    Store,
    StoreClosed,
    StoreError,
    StoreFull,
    StoreOptions,
    StoreUnavailable,
)
from sekisho.durable import connection as connection_module


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.db")
    opened.write(lambda c: c.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY)")).result()
    yield opened
    opened.close()


def count(store: Store) -> int:
    return store.read().execute("SELECT count(*) FROM parcel").fetchone()[0]


def insert(number: int) -> Callable[[apsw.Connection], int]:
    return lambda c: c.execute("INSERT INTO parcel VALUES (?)", (number,)) and number


class Recorder:
    """An appender that notes what it is told."""

    def __init__(self) -> None:
        self.settled_with: list[tuple[list[int], Exception | None]] = []
        self.fail = False
        self.raise_when_settled = False

    def insert(self, connection: apsw.Connection, items: list[int]) -> None:
        for item in items:
            connection.execute("INSERT INTO parcel VALUES (?)", (item,))
        if self.fail:
            message = "wrong on purpose"
            raise ValueError(message)

    def settled(self, items: list[int], error: Exception | None) -> None:
        self.settled_with.append((list(items), error))
        if self.raise_when_settled:
            message = "a bug in the owner"
            raise RuntimeError(message)


def test_written_rows_are_read_by_every_thread(store: Store) -> None:
    futures = [store.write(insert(n)) for n in range(200)]
    assert [f.result() for f in futures] == list(range(200))
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.append(count(store)))
    reader.start()
    reader.join()
    assert seen == [200]


def test_many_waiting_jobs_share_one_commit(store: Store) -> None:
    gate = threading.Event()
    store.write(lambda _: gate.wait())
    recorder = Recorder()
    for n in range(300):
        store.put(recorder, [n])
    gate.set()
    store.write(lambda _: None).result()
    assert [len(items) for items, _ in recorder.settled_with] == [300]


def test_batches_stay_within_their_bound(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", StoreOptions(batch_max=16))
    store.write(lambda c: c.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY)")).result()
    gate = threading.Event()
    store.write(lambda _: gate.wait())
    recorder = Recorder()
    for n in range(100):
        store.put(recorder, [n])
    gate.set()
    store.close()
    assert max(len(items) for items, _ in recorder.settled_with) <= 16
    assert sum(len(items) for items, _ in recorder.settled_with) == 100


def test_failing_job_undoes_only_itself(store: Store) -> None:
    gate = threading.Event()
    store.write(lambda _: gate.wait())

    def insert_then_fail(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO parcel VALUES (50)")
        message = "wrong on purpose"
        raise ValueError(message)

    first, failing, last = (
        store.write(insert(1)),
        store.write(insert_then_fail),
        store.write(insert(2)),
    )
    gate.set()
    assert (first.result(), last.result()) == (1, 2)
    with pytest.raises(ValueError, match="on purpose"):
        failing.result()
    assert count(store) == 2


def test_failing_appender_fails_only_its_own_run(store: Store) -> None:
    bad, good = Recorder(), Recorder()
    bad.fail = True
    gate = threading.Event()
    store.write(lambda _: gate.wait())
    store.put(bad, [1])
    store.put(good, [2])
    gate.set()
    store.write(lambda _: None).result()
    assert good.settled_with == [([2], None)]
    assert isinstance(bad.settled_with[0][1], ValueError)
    assert count(store) == 1


def test_failed_commit_fails_the_whole_batch(store: Store) -> None:
    """A deferred foreign key is checked by COMMIT itself."""
    store.write(
        lambda c: c.execute(
            "CREATE TABLE label(parcel REFERENCES parcel(id) DEFERRABLE INITIALLY DEFERRED)"
        )
    ).result()
    gate = threading.Event()
    store.write(lambda _: gate.wait())
    futures = [
        store.write(insert(1)),
        store.write(lambda c: c.execute("INSERT INTO label VALUES (99)")),
        store.write(insert(2)),
    ]
    gate.set()
    wait(futures)
    assert all(isinstance(f.exception(), apsw.ConstraintError) for f in futures)
    assert count(store) == 0
    assert store.write(insert(3)).result() == 3


def test_future_resolves_only_after_the_commit(store: Store) -> None:
    """Another connection already sees the row when the future resolves."""
    for n in range(20):
        store.write(insert(n)).result()
        assert count(store) == n + 1


def test_full_disk_refuses_and_recovers_without_restart(store: Store) -> None:
    pages = store.write(lambda c: c.pragma("page_count")).result()
    store.write(lambda c: c.pragma("max_page_count", pages)).result()
    futures = [store.write(insert(n)) for n in range(5000)]
    wait(futures)
    errors = [f.exception() for f in futures if f.exception() is not None]
    assert errors
    assert all(isinstance(e, StoreFull) and e.retryable for e in errors)
    assert "free some space" in str(errors[0])
    kept = count(store)
    assert kept == sum(1 for f in futures if f.exception() is None)
    store.write(lambda c: c.pragma("max_page_count", 1 << 30)).result()
    assert store.write(insert(10_000)).result() == 10_000
    assert count(store) == kept + 1


def test_locked_database_is_reported_as_retryable(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", StoreOptions(busy_timeout_ms=20))
    store.write(lambda c: c.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY)")).result()
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    failure = store.write(insert(1)).exception()
    assert isinstance(failure, StoreUnavailable)
    assert failure.retryable
    other.execute("ROLLBACK")
    other.close()
    assert store.write(insert(1)).result() == 1
    store.close()


def test_closing_commits_what_is_queued(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.write(lambda c: c.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY)")).result()
    futures = [store.write(insert(n)) for n in range(500)]
    store.close()
    assert all(f.result() is not None for f in futures)
    again = Store(tmp_path / "store.db")
    assert count(again) == 500
    again.close()


def test_closed_store_refuses_and_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        store.write(insert(1))
    with pytest.raises(StoreClosed):
        store.read()


def test_bug_in_an_owner_stops_the_writer_and_is_raised_by_close(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.write(lambda c: c.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY)")).result()
    recorder = Recorder()
    recorder.raise_when_settled = True
    store.put(recorder, [1])
    refused = store.write(insert(2))
    wait([refused])
    late = store.write(insert(3))
    assert isinstance(late.exception(timeout=10), StoreUnavailable)
    with pytest.raises(RuntimeError, match="a bug in the owner"):
        store.close()


def test_second_store_in_one_directory_is_refused_with_the_pid(store: Store) -> None:
    with pytest.raises(DirectoryTaken, match=r"in use by process \d+: stop that process"):
        Store(store.path)


def test_directory_is_free_again_after_close(tmp_path: Path) -> None:
    for _ in range(3):
        Store(tmp_path / "store.db").close()


def test_store_refuses_to_serve_without_full_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "SYNCHRONOUS", "NORMAL")
    with pytest.raises(StoreError, match="kept synchronous at `1`"):
        Store(tmp_path / "store.db")


def test_reader_cannot_write(store: Store) -> None:
    with pytest.raises(apsw.ReadOnlyError):
        store.read().execute("INSERT INTO parcel VALUES (1)")


def test_backup_is_a_sound_copy_taken_while_writing(store: Store, tmp_path: Path) -> None:
    futures = [store.write(insert(n)) for n in range(500)]
    store.backup(tmp_path / "copy.db")
    futures += [store.write(insert(n)) for n in range(500, 600)]
    wait(futures)
    copy = apsw.Connection(str(tmp_path / "copy.db"))
    assert copy.pragma("integrity_check") == "ok"
    assert copy.execute("SELECT count(*) FROM parcel").fetchone()[0] <= 600
    copy.close()
    with pytest.raises(FileExistsError, match="choose a new name"):
        store.backup(tmp_path / "copy.db")


def test_write_ahead_log_is_checkpointed_as_it_grows(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", StoreOptions(wal_pages_max=20))
    store.write(lambda c: c.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY, x)")).result()
    for n in range(300):
        store.write(lambda c, n=n: c.execute("INSERT INTO parcel VALUES (?, ?)", (n, bytes(4000))))
        if n % 10 == 0:
            store.write(lambda _: None).result()
    store.write(lambda _: None).result()
    assert Path(f"{store.path}-wal").stat().st_size < 100 * 4096
    store.close()
    assert not Path(f"{store.path}-wal").exists()
