"""Message brokers behind one port: at least once, acknowledged after the effect."""

from sekisho.brokers.consume import DEAD_SUFFIX, Consumption, Handler, consume, stop
from sekisho.brokers.model import BrokerError, BrokerMissing, BrokerUnavailable, Message, Poison
from sekisho.brokers.opening import open_broker
from sekisho.brokers.ports import Broker, Delivery

__all__ = [
    "DEAD_SUFFIX",
    "Broker",
    "BrokerError",
    "BrokerMissing",
    "BrokerUnavailable",
    "Consumption",
    "Delivery",
    "Handler",
    "Message",
    "Poison",
    "consume",
    "open_broker",
    "stop",
]
