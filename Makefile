# Everything needs only make and Python 3.11 or newer; the rest is set up on first use.
#   make run [FILE=path] [OUT=dir] [REAL=1]   make up   make down   make deploy   make run-audit   make run-library
#   make test   make check   make cost   make bench   make simulate [SEEDS=n]   make kills [TIMES=n]   make moves [FROM=commit]
#   make adopt [STACK=name]
PYTHON ?= python3
UV := .venvs/uv/bin/uv
SAM := SAM_CLI_TELEMETRY=0 .venvs/sam/bin/sam
BIN := .venv/bin
# What the packages are for: `lambda` (arm64, as template.yaml says) or `here` (this machine, for make run).
PACKAGE_FOR ?= lambda
FOR_lambda := --python-platform aarch64-manylinux2014 --python-version 3.13 --only-binary :all:
FOR_here := --python $(BIN)/python
PYTHON_lambda := for each in python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python \
	"$$($(UV) python find 3.13 --no-python-downloads 2>/dev/null)"; do "$$each" -c "" 2>/dev/null && echo "$$each" && break; done
PYTHON_here := echo $(abspath $(BIN)/python)
# Bytecode that is not compared with its source's date, which a zip file changes.
compiled = python=$$($(PYTHON_$(PACKAGE_FOR))) && PYTHONDONTWRITEBYTECODE= "$$python" -m compileall -qq \
	--invalidation-mode unchecked-hash -s "$(1)" -p /var/task $(2)
LOCKED := .aws-sam/locked-$(PACKAGE_FOR)
AWS_SERVICES := dynamodb events s3 secretsmanager sns sqs ssm xray

.PHONY: setup run run-audit run-library up down test lint validate check cost bench simulate kills moves build deploy adopt
setup: .venv/.stamp .venvs/sam/.stamp .venvs/ministack/.stamp

run: setup
	@$(BIN)/python -m local run "$${FILE:-events/sample.jsonl}" --out "$${OUT:-out}" $(if $(REAL),--real)
run-audit: setup # quiet days, then a theft; the alerts appear here
	@$(BIN)/python -m local audit
run-library: setup # a folder of documents, kept in sync and asked
	@$(BIN)/python -m local library
up down: setup
	@$(BIN)/python -m local $@ $(if $(REAL),--real)
test: setup
	$(BIN)/pytest -q -n 2 --dist loadgroup
lint: setup
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports && $(BIN)/mypy
validate: setup .venvs/checkov/.stamp .venvs/pip-audit/.stamp # template, lock file, known advisories
	$(BIN)/cfn-lint template.yaml && $(SAM) validate --lint && $(UV) lock --check --quiet
	.venvs/checkov/bin/checkov -f template.yaml --framework cloudformation --quiet --compact --skip-download
	$(BIN)/python -m local.build.check_advisories
check: lint validate test
cost: setup # what a job and an idle minute take of AWS, measured; writes docs/cost.md
	$(BIN)/python -m local.measure.cost
bench: setup # speed and memory beside floors of the same run; writes BENCHMARKS.md
	$(BIN)/python -m local.measure.bench
simulate: setup # seeded schedules of everything that goes wrong
	$(BIN)/python -m tests.simulation --seeds $${SEEDS:-200}
kills: setup # kill -9 of functions' processes at random moments, on the laptop's world
	$(BIN)/python -m tests.tools.kills --times $${TIMES:-50}
moves: setup # an upgrade from the commit before (or FROM), a deletion and what follows, with open jobs
	$(BIN)/python -m tests.tools.moves upgrade --from $${FROM:-HEAD~1}
	$(BIN)/python -m tests.tools.moves redeploy
build: setup $(LOCKED)/.stamp
	$(SAM) build
deploy: build
	$(SAM) deploy --guided
adopt: setup # what a deleted stack left behind into a new one of its name; then make deploy
	$(BIN)/python -m local adopt --stack $${STACK:-batchdrop}

.venvs/uv/.stamp: local/build/tools/uv.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed")' && \
		echo "Setting up uv, which sets up the rest …"
	@$(PYTHON) -m venv .venvs/uv && .venvs/uv/bin/pip install -q --require-hashes -r $< && touch $@
.venv/.stamp: uv.lock pyproject.toml | .venvs/uv/.stamp
	@echo "Setting up the project's environment from uv.lock …"
	@$(UV) sync -q --frozen --python .venvs/uv/bin/python && touch $@
.venvs/%/.stamp: local/build/tools/%.txt | .venvs/uv/.stamp
	@echo "Setting up $* in an environment of its own …"
	@$(UV) venv -q --allow-existing --python .venvs/uv/bin/python .venvs/$*
	@$(UV) pip sync -q --require-hashes --python .venvs/$*/bin/python $< && touch $@

# Packages hold functions/, shared/ and the locked dependencies, nothing else. boto3 is shipped, so that what
# was tested is what runs. What no function needs is taken out (local/build/trim_packages.py). Without bytecode a start computes
# two to three times as long, and only a Python 3.13 can make it for Lambda: where there is none, packages go
# without and it is said. Made aside and put in place at the end: half of it is never taken for all.
$(LOCKED)/.stamp: uv.lock Makefile local/build/trim_packages.py | .venv/.stamp
	@echo "Fetching the locked dependencies for $(PACKAGE_FOR) …"
	@mkdir -p .aws-sam && new=$$(mktemp -d $(LOCKED).XXXXXX) && trap 'rm -rf "$$new" "$$new.txt"' EXIT && \
		$(UV) export -q --frozen --no-dev --no-emit-project -o "$$new.txt" && \
		$(UV) pip install -q --no-deps --require-hashes -r "$$new.txt" $(FOR_$(PACKAGE_FOR)) --target "$$new" && \
		$(BIN)/python -m local.build.trim_packages "$$new" $(AWS_SERVICES) && \
		{ { $(call compiled,$$new,"$$new"); } || \
			echo "No Python 3.13 is here: packages go without bytecode, and start slower"; } && \
		touch "$$new/.stamp" && chmod 755 "$$new" && rm -rf $(LOCKED) && mv "$$new" $(LOCKED)
build-%Function: $(LOCKED)/.stamp # called by sam build, once for each function; hard links spare the disk
	@cp -Rl $(LOCKED)/. "$(ARTIFACTS_DIR)" 2>/dev/null || cp -R $(LOCKED)/. "$(ARTIFACTS_DIR)"
	@cp -R functions shared "$(ARTIFACTS_DIR)" && rm "$(ARTIFACTS_DIR)/.stamp" && \
		find "$(ARTIFACTS_DIR)"/functions "$(ARTIFACTS_DIR)"/shared -name __pycache__ -prune -exec rm -rf {} + ; \
		$(call compiled,$(ARTIFACTS_DIR),"$(ARTIFACTS_DIR)"/functions "$(ARTIFACTS_DIR)"/shared) || true
