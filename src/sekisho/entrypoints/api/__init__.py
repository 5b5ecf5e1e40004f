"""Sekisho's own HTTP API."""

from sekisho.entrypoints.api.app import build_api

__all__ = ["build_api"]
