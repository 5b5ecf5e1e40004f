"""Other people's services that kinds work through, as an operator names them in a file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from sekisho.egress import EgressRefused, check_url


class ConnectorsRefused(ValueError):
    """The file of connectors cannot be used; the message says where."""


class PaymentsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payment processor with an API of Stripe's shape.

    Attributes:
        kind: `stripe`.
        key_file: file with its secret key.
        url: where it is.
        version: value of the `Stripe-Version` header; empty = the account's own.
    """

    kind: Literal["stripe"]
    key_file: str
    url: str = "https://api.stripe.com"
    version: str = ""


class NotifyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People to be told; `url_file` holds addresses as apprise writes them, one a line."""

    url_file: str


class OtpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that sends one-time codes.

    Attributes:
        url: takes `POST {"to", "channel", "reference"}`.
        key_file: file with its bearer key.
    """

    url: str
    key_file: str


class Connectors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Connectors by the names that actions use."""

    payments: Mapping[str, PaymentsConfig] = {}
    notify: Mapping[str, NotifyConfig] = {}
    otp: Mapping[str, OtpConfig] = {}

    FIRST: ClassVar[str] = "main"
    """The one that is used when an action names none."""


def read_connectors(path: Path) -> Connectors:
    """Connectors from a TOML file; names of files in it are relative to it.

    Raises:
        ConnectorsRefused: it cannot be read, or says what cannot be.
    """
    try:
        with path.open("rb") as file:
            read = msgspec.convert(tomllib.load(file), Connectors)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConnectorsRefused(f"{path}: {error}") from error
    for name, one in (*read.payments.items(), *read.otp.items()):
        try:
            check_url(one.url)
        except EgressRefused as refused:
            raise ConnectorsRefused(f"{path}: `{name}`: {refused}") from refused
    for group in (read.payments, read.notify, read.otp):
        for name, one in group.items():
            file_name = one.url_file if isinstance(one, NotifyConfig) else one.key_file
            if not (path.parent / file_name).is_file():
                raise ConnectorsRefused(f"{path}: `{name}`: there is no file {file_name}")
    return read
