"""Why an outgoing request was not made, or has no answer."""


class EgressRefused(ValueError):
    """The request may not leave: its address is not one that may be called.

    Nothing was sent, and asking again changes nothing until the address or the settings do.
    """


class EgressFailed(Exception):
    """The world did not answer; worth another try.

    Args:
        message: what went wrong.
        maybe_sent: whether the receiver may have had the request all the same.
    """

    def __init__(self, message: str, *, maybe_sent: bool) -> None:
        super().__init__(message)
        self.maybe_sent = maybe_sent
