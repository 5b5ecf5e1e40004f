"""Sekisho, the fraud checkpoint you run yourself."""

__version__ = "0.1.0"
