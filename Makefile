# Vedette: install, run, test, check. Needs git, make and a Python 3.10 to 3.13 with venv; `make help` lists the targets.
PY := .venv/bin/python
LOCK = $(PY) -m uv pip compile --python $(PY) --universal --python-version 3.10 --only-binary :all: \
	--generate-hashes --no-header --no-annotate --quiet $(UPGRADE)
CORES ?= 2

.DEFAULT_GOAL := help
.PHONY: help install dev peers train run test check lint promises nightly docs picture sign lock wheel quickstarts clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r t m; do printf '  %-18s %s\n' "$$t" "$$m"; done

install: ## make .venv with the locked dependencies and the vedette command (PYTHON=... picks the interpreter)
	@PYTHON="$(PYTHON)" .ci/environment run

dev:
	@PYTHON="$(PYTHON)" .ci/environment dev

peers: dev ## install the other trackers that vedette bench core compares with (x86-64)
	$(PY) -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: -r requirements-peers.lock

train: dev ## install what vedette train needs (about 3 GB on x86-64)
	$(PY) -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: -r requirements-train.lock

run: install ## run the default scenario to its end and print the summary
	.venv/bin/vedette run

test: dev ## all tests but the nightly tables, then the kernel tests without JIT
	$(PY) -m pytest -n $(CORES)
	NUMBA_DISABLE_JIT=1 $(PY) -m pytest -n $(CORES) -m "kernels and not jit and not nightly"

check: lint test ## lint, then all tests: everything that a change must pass

lint: dev ## format, style, types, import contracts, generated pages, locks (wheels for both architectures)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) docs/generate.py --check
	$(PY) .ci/lock_check.py

promises: install ## every scenario of the library with two seeds, judged against what we promise
	.venv/bin/vedette batch --seeds 1-2 --jobs $(CORES) --out runs/promises

nightly: dev ## the long statistical tables: nightly tests, every scenario with twenty seeds (hours)
	$(PY) -m pytest -n $(CORES) -m nightly
	.venv/bin/vedette batch --seeds 1-20 --jobs $(CORES) --out runs/nightly

docs: dev ## write the generated pages again
	$(PY) docs/generate.py

picture: dev ## draw the pictures of README and docs/signals.md again
	rm -rf runs/picture
	.venv/bin/vedette run flank_rear_fpv --seed 4 --out runs/picture
	$(PY) docs/picture.py runs/picture docs/engagement.png
	rm -rf runs/signals
	.venv/bin/vedette synth crossing_pair --start 73 --seconds 4 --out runs/signals
	$(PY) docs/signals_picture.py runs/signals docs/signals.png

sign: dev ## sign a change of the wire (tests/golden/wire.json)
	VEDETTE_SIGN=1 $(PY) -m pytest tests/contracts/test_wire.py

lock: dev ## write the lock files again (UPGRADE=--upgrade takes the newest versions)
	$(LOCK) pyproject.toml --extra dev --extra parquet -o requirements-dev.lock
	$(LOCK) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(LOCK) --group build -c requirements-dev.lock -o requirements-build.lock
	$(LOCK) pyproject.toml --extra peers -c requirements-dev.lock -o requirements-peers.lock
	$(LOCK) pyproject.toml --extra train -c requirements-dev.lock -o requirements-train.lock

wheel: dev ## build the wheel into dist/
	rm -rf dist
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --no-index -w dist .

quickstarts: install ## run the quickstarts of README.md as they stand there
	$(PY) .ci/quickstarts.py

clean: ## remove everything that was made, the environment too
	rm -rf .venv .venv.stale dist build runs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
