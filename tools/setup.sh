#!/usr/bin/env bash
# Leaves .venv/ with Sekisho installed. Idempotent: quiet, and done at once, when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

want=$(cat requirements/*.txt pyproject.toml tools/setup.sh | cksum)
if [ -x .venv/bin/sekisho ] && [ "$(cat .venv/.ready 2>/dev/null || true)" = "$want" ]; then
  exit 0
fi

say() { printf '\033[2msetup:\033[0m %s\n' "$*"; }

find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' \
        2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "setup: Python 3.11, 3.12 or 3.13 is needed; install it and run make again" >&2
  exit 1
}

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  say "making a virtual environment with $("$python" --version)"
  rm -rf .venv
  if ! "$python" -m venv .venv >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      say "installing the venv module (Debian package)"
      apt-get -qq update && apt-get -qq install -y "$(basename "$(readlink -f "$python")")-venv" >/dev/null
      rm -rf .venv && "$python" -m venv .venv
    else
      echo "setup: the venv module is missing; on Debian or Ubuntu: apt-get install python3-venv" >&2
      exit 1
    fi
  fi
fi
say "installing pinned packages (hashes checked)"
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
.venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r requirements/dev.txt
.venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
say "compiling once what every start loads (cached)"
# Python's own cache, too, where the environment forbids it: a start would compile all for 4 s.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c \
  "import sekisho.entrypoints.cli.main, sekisho.entrypoints.serving, uvloop, uvicorn.protocols.http.httptools_impl
import sekisho.ledger, sekisho.velocity; sekisho.velocity.warm()"
printf '%s' "$want" > .venv/.ready
say "ready"
