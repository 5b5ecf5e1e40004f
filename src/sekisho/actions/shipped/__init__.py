"""The kinds of action that Sekisho brings along, one a file, and what they work with."""

from sekisho.actions.shipped.services import Lists, Records, Webhooks

__all__ = ["Lists", "Records", "Webhooks"]
