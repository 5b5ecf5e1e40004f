"""RECEIVE: a payload becomes an event, or is refused with the place and the reason."""

from sekisho.events.card_numbers import holds_card_number
from sekisho.events.catalogue import (
    DECLARED_COUNTER_GROUP,
    PERSONAL_ATTRIBUTES,
    default_catalogue,
    is_counter,
)
from sekisho.events.context import ReceiveContext
from sekisho.events.draft import Record, Scalar
from sekisho.events.exchange import SCALE, ExchangeRates, indicative_rates, load_rates
from sekisho.events.families import CURRENCIES
from sekisho.events.history import (
    History,
    column_type,
    history_from_frame,
    labels_from_frame,
    payloads_from_frame,
    records_from_frame,
    with_amounts,
)
from sekisho.events.keys import IDENTITY_KEYS, identity_keys
from sekisho.events.mapping import EventMap, MapError, load_map, parse_map
from sekisho.events.messages import DECIDED_TYPES, MESSAGES, OUTCOME_TYPES
from sekisho.events.paths import all_paths
from sekisho.events.receive import MAX_BODY_BYTES, Event, receive
from sekisho.events.refusal import CODES, EventRefused, Problem

__all__ = [
    "CODES",
    "CURRENCIES",
    "DECIDED_TYPES",
    "DECLARED_COUNTER_GROUP",
    "IDENTITY_KEYS",
    "MAX_BODY_BYTES",
    "MESSAGES",
    "OUTCOME_TYPES",
    "PERSONAL_ATTRIBUTES",
    "SCALE",
    "Event",
    "EventMap",
    "EventRefused",
    "ExchangeRates",
    "History",
    "MapError",
    "Problem",
    "ReceiveContext",
    "Record",
    "Scalar",
    "all_paths",
    "column_type",
    "default_catalogue",
    "history_from_frame",
    "holds_card_number",
    "identity_keys",
    "indicative_rates",
    "is_counter",
    "labels_from_frame",
    "load_map",
    "load_rates",
    "parse_map",
    "payloads_from_frame",
    "receive",
    "records_from_frame",
    "with_amounts",
]
