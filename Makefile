# Two commands: `make demo` and `make test`. Everything lives in .venv; nothing else is touched.
.PHONY: demo test slow check bench clean
.DEFAULT_GOAL := help

# A model this small is slower when threads spin for each other.
export OMP_WAIT_POLICY := passive
export GOMP_SPINCOUNT := 0
export HF_HUB_OFFLINE := 1

help:
	@echo "make demo    install, run the demonstration study, print the report's path"
	@echo "make test    install, run the tests (offline, under 5 minutes)"
	@echo "make slow    the tests that take longer: 50 kills, a short rebuild of mote"
	@echo "make check   lint and types"
	@echo "make bench   every benchmark on one thread, about 10 minutes; writes docs/benchmarks.md"
	@echo "make clean   remove .venv and caches; runs/ stays"

demo:
	@scripts/install.sh local,train
	@.venv/bin/suasion demo

test:
	@scripts/install.sh local,train,dev
	@.venv/bin/python -m pytest -n auto --dist loadfile

slow:
	@scripts/install.sh local,train,dev
	@.venv/bin/python -m pytest -m slow

check:
	@scripts/install.sh local,train,dev
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/pyright --pythonpath .venv/bin/python

bench:
	@scripts/install.sh local,train
	@.venv/bin/python -m suasion.bench all --model tiny --write docs/benchmarks.md

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
