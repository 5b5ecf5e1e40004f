"""From an address to a broker; a client library is loaded only when its broker is asked for."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from sekisho.brokers.model import BrokerError, BrokerMissing
from sekisho.brokers.ports import Broker

_Maker = Callable[[Any, str, str], Broker]
_KINDS: Final[dict[str, tuple[str, _Maker]]] = {
    "nats": ("nats", lambda module, url, _: module.NatsBroker(url)),
    "tls": ("nats", lambda module, url, _: module.NatsBroker(url)),
    "amqp": ("rabbitmq", lambda module, url, _: module.RabbitBroker(url)),
    "amqps": ("rabbitmq", lambda module, url, _: module.RabbitBroker(url)),
    "redis": ("redis", lambda module, url, member: module.RedisBroker(url, member)),
    "rediss": ("redis", lambda module, url, member: module.RedisBroker(url, member)),
    "kafka": ("kafka", lambda module, url, _: module.KafkaBroker(_after_scheme(url))),
    "pubsub": ("pubsub", lambda module, url, _: module.PubSubBroker(_after_scheme(url))),
}


def open_broker(url: str, member: str) -> Broker:
    """The broker of an address; nothing is connected yet.

    Args:
        url: `nats://`, `amqp://`, `redis://`, `kafka://host:port,host:port`, `pubsub://project`.
        member: this process's name within its groups; unique among running processes.

    Raises:
        BrokerError: the address names no broker known here.
        BrokerMissing: its client library is not installed.
    """
    scheme = urlsplit(url).scheme
    if scheme not in _KINDS:
        message = f"`{scheme or url}` is no broker: use {', '.join(f'{k}://' for k in _KINDS)}"
        raise BrokerError(message)
    name, make = _KINDS[scheme]
    try:
        module = import_module(f"sekisho.brokers.{name}")
    except ImportError as error:
        message = f"{name} needs a client library: pip install 'sekisho[brokers]'"
        raise BrokerMissing(message) from error
    return make(module, url, member)


def _after_scheme(url: str) -> str:
    return url.partition("://")[2].strip("/")
