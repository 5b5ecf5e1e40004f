"""Schema steps: applied once, all or none, never backwards."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from sekisho.durable import Migration, SchemaTooNew, Store

ONE = Migration(1, "parcels", "CREATE TABLE parcel(id INTEGER)")
TWO = Migration(2, "weights", "ALTER TABLE parcel ADD COLUMN kg REAL; CREATE TABLE scale(id)")
BROKEN = Migration(2, "broken", "CREATE TABLE half(id); SELECT nothing FROM nowhere")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.db")
    yield opened
    opened.close()


def tables(store: Store) -> set[str]:
    return {name for (name,) in store.read().execute("SELECT name FROM sqlite_schema")}


def test_each_step_is_applied_once(store: Store) -> None:
    assert store.migrate("parcels", [ONE]) == 1
    assert store.migrate("parcels", [ONE, TWO]) == 1
    assert store.migrate("parcels", [ONE, TWO]) == 0
    assert {"parcel", "scale"} <= tables(store)


def test_components_count_their_steps_apart(store: Store) -> None:
    store.migrate("parcels", [ONE])
    assert store.migrate("other", [Migration(1, "other", "CREATE TABLE other(id)")]) == 1


def test_failing_step_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(apsw.SQLError):
        store.migrate("parcels", [ONE, BROKEN])
    assert not tables(store) & {"parcel", "half"}
    assert store.migrate("parcels", [ONE, TWO]) == 2


def test_data_of_a_newer_release_is_refused(store: Store) -> None:
    store.migrate("parcels", [ONE, TWO])
    with pytest.raises(SchemaTooNew, match="start the newer release"):
        store.migrate("parcels", [ONE])
