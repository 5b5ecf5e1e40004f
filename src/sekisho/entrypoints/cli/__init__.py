"""The `sekisho` command."""

from sekisho.entrypoints.cli.main import main

__all__ = ["main"]
