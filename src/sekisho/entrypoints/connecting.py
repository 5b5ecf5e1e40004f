"""The services that actions work through, from the operator's file of connectors."""

from sekisho.actions.shipped import (
    ConnectorsRefused,
    Notifiers,
    OtpServices,
    Processors,
    StripeShaped,
    read_connectors,
)
from sekisho.egress import Egress
from sekisho.entrypoints.settings import PREFIX, Settings, SettingsError


def connected(settings: Settings, egress: Egress) -> tuple[Processors, Notifiers, OtpServices]:
    """Payment processors, people to notify, senders of codes; none without a file.

    Raises:
        SettingsError: the file cannot be used.
    """
    path = settings.connectors
    if path is None:
        return Processors({}), Notifiers({}, settings.data), OtpServices({}, settings.data, egress)
    try:
        found = read_connectors(path)
    except ConnectorsRefused as refused:
        raise SettingsError(f"{PREFIX}CONNECTORS: {refused}") from refused
    place = path.parent
    processors = {name: StripeShaped(one, place, egress) for name, one in found.payments.items()}
    notifiers = Notifiers(found.notify, place)
    return Processors(processors), notifiers, OtpServices(found.otp, place, egress)
