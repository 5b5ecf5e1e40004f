"""Kept rule sets by name: the draft, the one in shadow, published versions."""

import apsw

from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.rules.shadow_tables import load_shadow
from sekisho.rules.sqlite import Draft, Published, load_draft, load_published


def found_draft(connection: apsw.Connection) -> Draft:
    """The draft.

    Raises:
        HttpRefusal: 404 when there is none.
    """
    draft = load_draft(connection)
    if draft is None:
        raise HttpRefusal(
            404, "resource_missing", "there is no draft: PUT /v1/rulesets/draft first"
        )
    return draft


def found_shadow(connection: apsw.Connection) -> Published:
    """The set in shadow.

    Raises:
        HttpRefusal: 404 when there is none.
    """
    found = load_shadow(connection)
    if found is None:
        raise HttpRefusal(
            404,
            "resource_missing",
            "no rule set is in shadow: POST /v1/rulesets/draft/shadow puts the draft there",
        )
    return found


def found_published(connection: apsw.Connection, version: str) -> Published:
    """A version by name or number.

    Raises:
        HttpRefusal: 404 when there is none.
    """
    found = load_published(connection, version)
    if found is None:
        raise HttpRefusal(404, "resource_missing", f"no such version: '{version}'", param="version")
    return found
