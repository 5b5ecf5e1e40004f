"""`sekisho demo`: a simulated world streams into a real server, and the terminal shows it."""

from sekisho.entrypoints.cli.demo.command import demo_command

__all__ = ["demo_command"]
