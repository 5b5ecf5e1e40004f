"""A traced decision leaves one span for each stage, in a file or with a collector."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sekisho.entrypoints.tracing import send_traces

STAGES = {"decide", "receive", "collect", "count", "assess", "record"}


def decide_once(data: Path, **settings: str) -> None:
    """Run a server that traces everything, for one decision."""
    command = [sys.executable, "-m", "sekisho.entrypoints.cli", "serve", "--dev", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data", str(data)],
        stdout=subprocess.PIPE,
        env=os.environ | {"SEKISHO_TRACE_RATIO": "1", **settings},
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[1]
        body = json.dumps({"type": "payment", "id": "p", "amount": 5, "currency": "usd"}).encode()
        headers = {"Authorization": "Bearer sk_test_sekisho"}
        request = urllib.request.Request(f"{url}/v1/decisions", body, headers)  # noqa: S310 — loopback
        with urllib.request.urlopen(request) as answer:  # noqa: S310 — loopback
            assert answer.status == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A receiver on the loopback: its address, and path, type and body of what it was sent."""
    received: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, self.headers["content-type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base's word
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_each_stage_of_a_traced_decision_is_a_span(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    decide_once(tmp_path / "data", SEKISHO_TRACE_FILE=str(file))
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    assert {span["name"] for span in spans} == STAGES
    assert len({span["context"]["trace_id"] for span in spans}) == 1


def test_spans_go_to_the_collector_that_the_environment_names(tmp_path: Path) -> None:
    with collector() as (address, received):
        decide_once(tmp_path / "data", OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert {(path, kind) for path, kind, _ in received} == {
        ("/v1/traces", "application/x-protobuf")
    }
    resources = [
        resource
        for _, _, body in received
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
    ]
    named = {
        one.value.string_value
        for resource in resources
        for one in resource.resource.attributes
        if one.key == "service.name"
    }
    spans = [
        span for resource in resources for scope in resource.scope_spans for span in scope.spans
    ]
    assert named == {"sekisho"}
    assert {span.name for span in spans} == STAGES
    (whole,) = [span for span in spans if span.name == "decide"]
    assert {span.parent_span_id for span in spans} == {b"", whole.span_id}


def test_collector_without_its_package_is_told_and_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr("opentelemetry.trace.set_tracer_provider", lambda _: None)
    end = send_traces(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    end()
    assert "sekisho[otlp]" in capsys.readouterr().err
