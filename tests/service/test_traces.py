"""A traced decision leaves one span for each stage in the file the operator names."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

STAGES = {"decide", "receive", "collect", "count", "assess", "record"}


def test_each_stage_of_a_traced_decision_is_a_span(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    settings = {"SEKISHO_TRACE_FILE": str(file), "SEKISHO_TRACE_RATIO": "1"}
    data = str(tmp_path / "data")
    command = [sys.executable, "-m", "sekisho.entrypoints.cli", "serve", "--dev", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data", data], stdout=subprocess.PIPE, env=os.environ | settings, text=True
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
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    assert {span["name"] for span in spans} == STAGES
    assert len({span["context"]["trace_id"] for span in spans}) == 1
