"""The kinds of action that Sekisho brings along, one a file, and what they work with."""

from sekisho.actions.shipped.connectors import (
    Connectors,
    ConnectorsRefused,
    read_connectors,
)
from sekisho.actions.shipped.notify import Notifiers
from sekisho.actions.shipped.processor import Processor, Processors, StripeShaped
from sekisho.actions.shipped.services import Lists, Records, Webhooks
from sekisho.actions.shipped.step_up import OtpServices

__all__ = [
    "Connectors",
    "ConnectorsRefused",
    "Lists",
    "Notifiers",
    "OtpServices",
    "Processor",
    "Processors",
    "Records",
    "StripeShaped",
    "Webhooks",
    "read_connectors",
]
