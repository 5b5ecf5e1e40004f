"""What an operator may set, read once from the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from sekisho.egress import AddressPolicy, parse_networks

PREFIX: Final = "SEKISHO_"
LOCAL_NETWORKS: Final = ("127.0.0.0/8", "::1")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(ValueError):
    """A setting cannot be used; the message names it and says what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that may be set. Each field is read from `SEKISHO_<FIELD>`."""

    data: Path = Path("sekisho-data")
    """The data directory: the log, its snapshots, the installation's secret."""
    secret_file: Path | None = None
    """The installation's secret, which signs the chain; by default in the data directory."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8321
    """Port to listen on; 0 takes a free one."""
    dev: bool = False
    """Developer mode: fixed credentials, a clock that can be moved, loopback only."""
    rate_limit_per_s: int = 20_000
    """Requests a second of one API key before it is told 429; twice as many in a burst."""
    request_timeout_s: int = 20
    """How long a request may take to arrive, with a second more for every 1,000 bytes of it."""
    snapshot_every: int = 30_000
    """Recorded events between two snapshots of the counters: a restart re-reads at most so many."""
    idempotency_hours: int = 48
    """How long an answer is kept for its idempotency key; at least 24."""
    max_pending: int = 20_000
    """Decisions waiting for the disk before new ones are refused with 503."""
    action_concurrency: int = 64
    """Attempts at actions under way at the same time."""
    action_rate_per_s: int = 100
    """Attempts a second at one destination, such as a host; as many at once after a quiet time."""
    action_days: int = 90
    """Days for which actions that are over are kept; dead ones stay."""
    broker: str = ""
    """Message broker that actions are asked for, handed to workers and told over, such as
    `nats://host:4222`, `amqp://…`, `redis://…`, `kafka://host:9092` or `pubsub://project`."""
    worker_actions: str = ""
    """Kinds of action that `sekisho work` carries out, separated by commas; the rest stay here."""
    worker_patience_s: int = 30
    """How long an action handed over may wait for a worker before it counts as failed."""
    ip_table: Path | None = None
    """CSV of `start,end,country` that tells where IP addresses are, when the caller does not."""
    exchange_rates: Path | None = None
    """TOML of exchange rates for `amount_in_…`; without it, bundled indicative ones."""
    egress_allow: str = ""
    """Networks of your own that outgoing calls may reach, such as `10.1.0.0/16,192.168.7.4`."""
    connectors: Path | None = None
    """TOML of what actions work through: payment processors, people to notify, senders of codes."""
    trace_file: Path | None = None
    """Where traced decisions are written as OpenTelemetry spans, one JSON object a line."""
    trace_ratio: float = 0.01
    """Share of decisions whose stages are traced with OpenTelemetry, from 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:  # noqa: PLR2004 — the range of ports
            raise SettingsError(f"{PREFIX}PORT must be 0 to 65535, not {self.port}")
        if self.dev and self.host not in LOOPBACK:
            raise SettingsError(
                f"developer mode listens on the loopback only, not on {self.host}:"
                " its credentials are known to all"
            )
        if self.idempotency_hours < 24:  # noqa: PLR2004 — the contract's minimum
            raise SettingsError(f"{PREFIX}IDEMPOTENCY_HOURS must be at least 24")
        try:
            self.egress_policy()
        except ValueError as error:
            raise SettingsError(f"{PREFIX}EGRESS_ALLOW takes networks: {error}") from error
        if not 0 <= self.trace_ratio <= 1:
            raise SettingsError(f"{PREFIX}TRACE_RATIO must lie between 0 and 1")
        if self.worker_actions and not self.broker:
            raise SettingsError(f"{PREFIX}WORKER_ACTIONS needs {PREFIX}BROKER: how to hand over?")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()} must be at least 1")

    def egress_policy(self) -> AddressPolicy:
        """What outgoing calls may reach; in developer mode this machine too."""
        return AddressPolicy(
            parse_networks([*self.egress_allow.split(","), *(LOCAL_NETWORKS if self.dev else ())])
        )


_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "Path": Path,
    "pathlib.Path | None": Path,
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda text: _TRUTH[text.lower()],
}


_TAKES: Final = {"int": "a whole number", "float": "a number", "bool": "true or false"}
_TRUTH: Final = {"1": True, "true": True, "0": False, "false": False}


def read_settings(environment: Mapping[str, str] = os.environ, **given: object) -> Settings:
    """Settings from the environment; what is `given` (not None) wins.

    Raises:
        SettingsError: a variable is misspelt, or its value cannot be used.
    """
    known = {one.name: one for one in fields(Settings)}
    values: dict[str, object] = {}
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in _OTHERS:
            continue
        if name not in known:
            raise SettingsError(
                f"{variable} is not a setting; known are {', '.join(sorted(known))}"
            )
        kind = str(getattr(known[name].type, "__name__", known[name].type))
        try:
            values[name] = _PARSERS[kind](text)
        except (KeyError, ValueError) as error:
            raise SettingsError(
                f"{variable} cannot be `{text}`: it takes {_TAKES[kind]}"
            ) from error
    values.update({name: value for name, value in given.items() if value is not None})
    return Settings(**values)  # pyright: ignore[reportArgumentType] — every value came through its field's parser


_AT_LEAST_ONE: Final = (
    "rate_limit_per_s",
    "request_timeout_s",
    "snapshot_every",
    "max_pending",
    "action_concurrency",
    "action_rate_per_s",
    "action_days",
    "worker_patience_s",
)
_OTHERS: Final = frozenset({"soak", "shared", "crash_at", "numba_cache", "log", "api_key", "url"})
"""Variables of the same prefix that are not settings: of the tests and of the command line."""
