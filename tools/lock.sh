#!/usr/bin/env bash
# Renews the pinned versions and hashes in requirements/ (no registry address is written).
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate "$@"; }
echo "uv==0.13.9" | compile - -o requirements/uv.txt
compile pyproject.toml -o requirements/base.txt
compile --group dev --group bench pyproject.toml -o requirements/dev.txt
