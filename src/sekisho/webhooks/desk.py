"""Every change of endpoints passes here."""

from collections.abc import Callable

import apsw
import msgspec

from sekisho.egress import EgressRefused, check_url
from sekisho.kit.clock import MICROSECONDS, Clock
from sekisho.kit.ids import Ids
from sekisho.webhooks import sqlite as tables
from sekisho.webhooks.model import MAX_DESCRIPTION, MAX_ENDPOINTS, MAX_OVERLAP_S, Endpoint

EndpointChange = Callable[[apsw.Connection], Endpoint]
"""What is to run inside a commit; gives the endpoint as it is then."""


class EndpointRefused(ValueError):
    """An endpoint cannot be so, or is not there.

    Args:
        code: for programs.
        message: for people.
        param: which field is wrong; None when the endpoint itself is missing.
    """

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class EndpointDesk:
    """Makes, changes and removes endpoints."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    def create(self, url: str, description: str, author: str) -> EndpointChange:
        """A new endpoint, with its first key.

        Raises:
            EndpointRefused: the address or the description cannot be.
        """
        _check(url, description)
        now_us = self._clock.now_us()
        made = Endpoint(self._ids.new("whe"), url, description, True, 1, 0, now_us, author)

        def write(connection: apsw.Connection) -> Endpoint:
            if len(tables.all_endpoints(connection)) >= MAX_ENDPOINTS:
                raise EndpointRefused(
                    "too_many", f"there are at most {MAX_ENDPOINTS} endpoints: remove one first"
                )
            tables.save_endpoint(connection, made)
            return made

        return write

    def update(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        description: str | None = None,
        is_enabled: bool | None = None,
    ) -> EndpointChange:
        """Change what is given.

        Raises:
            EndpointRefused: the address or the description cannot be.
        """
        _check(url, description)
        given = {"url": url, "description": description, "is_enabled": is_enabled}
        changes = {name: value for name, value in given.items() if value is not None}
        return _changing(endpoint_id, lambda one: msgspec.structs.replace(one, **changes))

    def rotate(self, endpoint_id: str, overlap_s: int) -> EndpointChange:
        """Give an endpoint a new key; the one before signs too for a while, those before no more.

        Raises:
            EndpointRefused: the overlap is too long.
        """
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            raise EndpointRefused(
                "out_of_range", f"two keys overlap for 0 to {MAX_OVERLAP_S} seconds", "overlap_s"
            )
        until_us = self._clock.now_us() + overlap_s * MICROSECONDS

        def change(one: Endpoint) -> Endpoint:
            return msgspec.structs.replace(
                one, generation=one.generation + 1, overlap_until_us=until_us if overlap_s else 0
            )

        return _changing(endpoint_id, change)

    def delete(self, endpoint_id: str) -> EndpointChange:
        """Remove an endpoint; its keys are never drawn again."""

        def write(connection: apsw.Connection) -> Endpoint:
            one = found_endpoint(connection, endpoint_id)
            tables.delete_endpoint(connection, one.id)
            return one

        return write


def found_endpoint(connection: apsw.Connection, endpoint_id: str) -> Endpoint:
    """An endpoint by id.

    Raises:
        EndpointRefused: there is none.
    """
    found = tables.find_endpoint(connection, endpoint_id)
    if found is None:
        raise EndpointRefused("resource_missing", f"no such webhook endpoint: '{endpoint_id}'")
    return found


def _changing(endpoint_id: str, change: Callable[[Endpoint], Endpoint]) -> EndpointChange:
    def write(connection: apsw.Connection) -> Endpoint:
        changed = change(found_endpoint(connection, endpoint_id))
        tables.save_endpoint(connection, changed)
        return changed

    return write


def _check(url: str | None, description: str | None) -> None:
    if url is not None:
        try:
            check_url(url)
        except EgressRefused as refused:
            raise EndpointRefused("parameter_invalid", str(refused), "url") from refused
    if description is not None and len(description) > MAX_DESCRIPTION:
        message = f"a description has at most {MAX_DESCRIPTION} characters"
        raise EndpointRefused("parameter_invalid", message, "description")
