# Two commands are enough: `make demo` and `make test`. The others are for people who change Sekisho.
.PHONY: setup demo test check fmt bench soak lock clean
PY := .venv/bin/python
# Reference data beside the checkout, where somebody has them: some tests compare with them.
SEKISHO_SHARED ?= $(abspath $(wildcard ../shared))
ifneq ($(SEKISHO_SHARED),)
export SEKISHO_SHARED
endif

setup:
	@bash tools/setup.sh

demo: setup
	@.venv/bin/sekisho demo

test: setup
	@.venv/bin/pytest -n 2 --dist loadgroup -q

check: setup
	@.venv/bin/ruff format --check -q . || { echo "run: make fmt"; exit 1; }
	@.venv/bin/ruff check -q .
	@.venv/bin/basedpyright --level error
	@.venv/bin/lint-imports --no-cache
	@$(PY) tools/tidy.py

fmt: setup
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

bench: setup
	@$(PY) benchmarks/run.py

soak: setup
	@SEKISHO_SOAK=1 .venv/bin/pytest -n 2 --dist loadgroup -q --timeout 3600

lock: setup
	@bash tools/lock.sh

clean:
	rm -rf .venv build dist
