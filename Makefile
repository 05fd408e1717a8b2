# Two commands on a fresh Debian or Ubuntu machine: `make accept` and `make test`.
# Each sets up what it needs; PYTHON=... names another interpreter, ARGS=... is passed on.
.PHONY: accept full test check bench demo clean
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/acceptance
ACCEPT_EXTRAS := sim,surfaces,plc,gnss,edge,referee,report,service
TEST_EXTRAS := $(ACCEPT_EXTRAS),3d,ros,train,peer,dev

accept: ## set up, measure every direction at quick size, say where the report is
	@scripts/setup $(VENV) $(ACCEPT_EXTRAS) && scripts/tools $(VENV) && $(BIN)/python -m positioning.compile
	@$(BIN)/lingnan accept --size quick --out $(OUT) $(ARGS)

full: ## the same with the sample sizes that the bounds need
	@scripts/setup $(VENV) $(ACCEPT_EXTRAS),route && scripts/tools $(VENV) && $(BIN)/python -m positioning.compile
	@$(BIN)/lingnan accept --size full --out $(OUT) $(ARGS)

test: check ## set up, then the whole suite, then the tier of the light base install
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile $(ARGS)
	@scripts/setup $(VENV)-base
	@$(VENV)-base/bin/python -m pip install --quiet --disable-pip-version-check pytest pytest-timeout hypothesis
	@LINGNAN_TIER=base $(VENV)-base/bin/python -m pytest -m base tests/base tests/common/cli tests/common/acceptance tests/test_house.py

check: ## style, types and who may import whom
	@scripts/setup $(VENV) $(TEST_EXTRAS) && scripts/tools $(VENV) && $(BIN)/python -m positioning.compile
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: ## ratios against the named peers, in the same run
	@scripts/setup $(VENV) $(TEST_EXTRAS) && scripts/tools $(VENV) && $(BIN)/python -m positioning.compile
	@$(BIN)/python -m benchmarks $(ARGS)

demo: ## the dashboard with the running demonstration, on this machine alone
	@scripts/setup $(VENV) $(ACCEPT_EXTRAS)
	@$(BIN)/lingnan serve $(ARGS)

clean:
	@rm -rf $(VENV) $(VENV)-base out
