"""Every version of profiles and parameters that a log tells of, for backtests."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sekisho.collect import table_spec
from sekisho.durable import StoreOptions, open_reader
from sekisho.entrypoints.profile_rows import told_in
from sekisho.language import AttributeSpec
from sekisho.learning import Versions, versions_of
from sekisho.ledger.rows import head, profiles


def specs_of_tables(tables: Mapping[str, Mapping[str, Any]]) -> Iterable[AttributeSpec]:
    """The attributes that declarations add to the catalogue."""
    for name, declaration in tables.items():
        yield from table_spec(name, declaration).specs()


def past_versions(
    log: Path, tables: Mapping[str, Mapping[str, Any]], fields: Iterable[str]
) -> tuple[Versions, ...]:
    """Versions of the tables that give some of these attributes; the log may be in use.

    Raises:
        StoreError: the log cannot be read.
    """
    wanted = set(fields)
    specs = [table_spec(name, declaration) for name, declaration in tables.items()]
    specs = [one for one in specs if wanted & {spec.name for spec in one.specs()}]
    found: dict[str, list[tuple[str, int, Mapping[str, Any]]]] = {one.name: [] for one in specs}
    if not specs:
        return ()
    with closing(open_reader(log, StoreOptions())) as connection:
        newest = head(connection)
        for row in profiles(connection, 0, newest[0] if newest else 0):
            told = told_in(row)
            if told.table in found:
                rows = found[told.table]
                rows += [(one.id, row.at_us, one.attributes or {}) for one in told.profiles]
    return tuple(versions_of(one, found[one.name]) for one in specs)
