"""Where traced decisions go: a file, a collector that speaks OTLP over HTTP, or both."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own variables; the exporter reads them, and its headers and time-outs, itself."""


def send_traces(
    file: Path | None, environment: Mapping[str, str] = os.environ
) -> Callable[[], None]:
    """Let spans go where they are wanted from now on; the result ends it.

    Args:
        file: one JSON object a line is appended to it.
        environment: names the collector.

    Raises:
        OSError: the file cannot be written.
    """
    named = next((name for name in ENDPOINTS if environment.get(name)), None)
    if file is None and named is None:
        return _nothing
    provider = TracerProvider(resource=Resource.create({"service.name": "sekisho"}))
    end_file = _add_file(provider, file) if file else _nothing
    if named:
        _add_collector(provider, named)
    trace.set_tracer_provider(provider)

    def end() -> None:
        provider.shutdown()
        end_file()

    return end


def _add_file(provider: TracerProvider, file: Path) -> Callable[[], None]:
    out = file.open("a", encoding="utf-8")
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return out.close


def _add_collector(provider: TracerProvider, named: str) -> None:
    """Export to the collector; decisions go on without it when its package is not there."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 — optional
            OTLPSpanExporter,
        )
    except ImportError:
        sys.stderr.write(
            f"{named} is set, but traces are not sent: install the extra, sekisho[otlp]\n"
        )
        return
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def _nothing() -> None:
    """There is nothing to end."""
