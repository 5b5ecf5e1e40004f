"""Tables in CSV as profiles: a column `id`, and one for each attribute."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any, Final

from sekisho.collect import Profile, ProfileRefused, TableSpec
from sekisho.language import Type

MAX_PROFILES: Final = 100_000
"""Profiles in one request."""
VALUE: Final = "value"
"""The column of a parameter."""
_TRUTH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def profiles_in_csv(text: str, spec: TableSpec) -> Sequence[Profile]:
    """The rows of a table; an empty cell is a missing value, a row without any removes.

    Raises:
        ProfileRefused: a column or a cell does not fit; the message names the line.
    """
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    try:
        columns = _columns(reader.fieldnames or (), spec)
        found = [_profile(row, columns, spec, reader.line_num) for row in reader]
    except csv.Error as error:
        raise ProfileRefused(f"line {reader.line_num}: {error}") from error
    if len(found) > MAX_PROFILES:
        raise ProfileRefused(f"{len(found)} rows; at most {MAX_PROFILES} at once")
    return found


def _columns(names: Sequence[str], spec: TableSpec) -> dict[str, str]:
    """Column → attribute."""
    attributes = list(spec.attributes)
    known = {VALUE: attributes[0]} if spec.is_parameter else {one: one for one in attributes}
    wrong = [name for name in names if name != "id" and name not in known]
    if wrong or "id" not in names or len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 — the id and a value
        wanted = ", ".join(known)
        raise ProfileRefused(f"line 1: the columns are id and some of {wanted}, each once")
    return {name: known[name] for name in names if name != "id"}


def _profile(row: dict[str, Any], columns: dict[str, str], spec: TableSpec, line: int) -> Profile:
    if len(row) != len(columns) + 1 or None in row.values():
        raise ProfileRefused(f"line {line}: it has other columns than the first line")
    values: dict[str, Any] = {}
    for column, attribute in columns.items():
        cell = row[column].strip()
        if cell:
            try:
                values[attribute] = _value(cell, spec.attributes[attribute])
                spec.checked({attribute: values[attribute]})
            except ValueError as error:
                raise ProfileRefused(f"line {line}, column {column}: {error}", column) from error
    return row["id"].strip(), values or None


def _value(cell: str, kind: Type) -> Any:
    if kind is Type.BOOLEAN:
        truth = _TRUTH.get(cell.lower())
        if truth is None:
            raise ValueError(f"`{cell[:20]}` is not true or false")
        return truth
    if kind is Type.NUMERIC:
        try:
            return int(cell) if cell.lstrip("-").isdecimal() else float(cell)
        except ValueError:
            raise ValueError(f"`{cell[:20]}` is not a number") from None
    return cell
