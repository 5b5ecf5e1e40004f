"""Reads the named statements of a package's `queries.sql`."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_queries(package: str) -> Mapping[str, str]:
    """The statements of `queries.sql` in a package, each under the name of its `-- name:` line."""
    return named_statements((files(package) / "queries.sql").read_text("utf-8"))


def named_statements(text: str) -> Mapping[str, str]:
    r"""Split SQL text at its `-- name:` lines.

    >>> dict(named_statements("-- name: one\nSELECT 1;\n"))
    {'one': 'SELECT 1;'}
    """
    _, *pieces = _NAME.split(text)
    names, bodies = pieces[::2], pieces[1::2]
    assert len(set(names)) == len(names), "two statements of one name"
    return MappingProxyType({n: body.strip() for n, body in zip(names, bodies, strict=True)})
