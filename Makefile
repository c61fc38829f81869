# All of it needs make and Python 3.11 or newer (on Debian also python3-venv); the rest is set up on
# first use. `make` alone lists the targets.
.DEFAULT_GOAL := help
include local/build/environments.mk local/build/packages.mk

.PHONY: help run run-table run-audit run-library up down setup test test-fast cover lint validate check simulate \
	mutate kills moves clients peers fuzz bench cost nag build sbom deploy adopt

help:
	@awk '/^##### / { print "\n" substr($$0, 7) } /^[a-z][a-z -]*:.*## / { split($$0, line, /:.*## /); \
		printf "  make %-13s%s\n", line[1], line[2] }' Makefile

##### Try it, on this machine alone
run: setup ## drop a file, wait for its results: FILE=path OUT=folder RECIPE=path MODEL=name REAL=1 (OpenAI itself)
	@$(BIN)/batchdrop run "$${FILE:-events/sample.jsonl}" --out "$${OUT:-out}" $(if $(REAL),--real) \
		$(if $(MODEL),--model "$$MODEL") $(if $(RECIPE),--recipe "$$RECIPE")
run-table: setup ## 200 reviews in a CSV file come back with what the model said of each
	@$(BIN)/batchdrop run events/reviews.csv --recipe events/recipe.yaml --out "$${OUT:-out}"
	@echo && head -4 "$${OUT:-out}/results.csv"
run-audit: setup ## quiet days of an audit log, then a theft and its alerts
	@$(BIN)/batchdrop audit
run-library: setup ## a folder of documents, kept in sync and asked
	@$(BIN)/batchdrop library
up down: setup ## a local world that stays; its end
	@$(BIN)/batchdrop $@ $(if $(REAL),--real)

##### Change it
test: setup ## all tests, with PYTHON=python3.13 on another Python
	$(BIN)/pytest -q -n 2 --dist loadgroup -rs
test-fast: setup ## the unit tests and the life of a job, in a minute
	$(BIN)/pytest -q -n 2 --dist loadgroup -rs tests/unit tests/integration/jobs/test_functions.py
cover: setup ## which branches of functions/ and shared/ the tests take
	$(BIN)/pytest -q -n 2 --dist loadgroup --cov=functions --cov=shared tests/unit tests/integration
lint: setup ## format, style, import rules, types, and no function above 10 (boolean operators counted)
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports && $(BIN)/mypy
	@above=$$($(BIN)/radon cc --show-complexity --min C functions shared local) && [ -z "$$above" ] || \
		{ echo "Name what these decide, until none is above 10:"; echo "$$above"; exit 1; }
validate: setup .venvs/checkov/.stamp .venvs/pip-audit/.stamp ## template, lock file, known advisories
	$(BIN)/cfn-lint template.yaml && $(SAM) validate --lint && $(UV) lock --check --quiet
	.venvs/checkov/bin/checkov -f template.yaml --framework cloudformation --quiet --compact --skip-download
	$(BIN)/python -m local.build.check_advisories
nag: setup ## cdk-nag's rules on the template; needs node
	@$(BIN)/python -m local.build.check_nag
check: lint validate test ## lint, validate and test
simulate: setup ## seeded schedules of everything that goes wrong: SEEDS=200
	$(BIN)/python -m tests.simulation --seeds $${SEEDS:-200}
	$(BIN)/python -m tests.simulation --audit --seeds $${SEEDS:-200}
mutate: setup ## deliberate mistakes, one at a time: do the tests notice? ONLY=regex
	$(BIN)/python -m tests.mutations --only "$${ONLY:-}"
kills: setup ## kill -9 of functions at random moments, in a local world: TIMES=50
	$(BIN)/python -m tests.tools.kills --times $${TIMES:-50}
moves: setup ## with open jobs, an upgrade FROM=HEAD~1, then a deletion and what follows
	$(BIN)/python -m tests.tools.moves upgrade --from $${FROM:-HEAD~1}
	$(BIN)/python -m tests.tools.moves redeploy
bench: setup ## speed and memory beside floors of the same run; writes BENCHMARKS.md
	$(BIN)/python -m local.measure.bench
cost: setup ## what a job and an idle minute take of AWS; writes docs/cost.md
	$(BIN)/python -m local.measure.cost
clients: setup ## other people's clients against the small OpenAI, each in its own environment: ONLY=regex
	$(BIN)/python -m tests.compatibility.clients --only "$${ONLY:-}"
peers: setup ## the functions against other people's servers of the same API: ONLY=regex FILE=path
	$(BIN)/python -m tests.compatibility.peers --only "$${ONLY:-}" $(if $(FILE),--file "$$FILE")
fuzz: setup .venvs/schemathesis/.stamp ## the small OpenAI by OpenAI's specification: SPEC=openapi.yaml FUZZ_SECONDS=300
	$(BIN)/python -m tests.compatibility.fuzz "$${SPEC:-openapi.yaml}" --seconds $${FUZZ_SECONDS:-300}

##### Deploy it
build: setup $(LOCKED)/.stamp ## the functions' packages
	$(SAM) build
sbom: setup ## what the functions' packages hold, in CycloneDX: SBOM=sbom.cdx.json
	@$(UV) export -q --frozen --no-dev --no-emit-project --format cyclonedx1.5 -o "$${SBOM:-sbom.cdx.json}" && \
		echo "$${SBOM:-sbom.cdx.json}"
deploy: build ## to your AWS account, with questions: STACK=batchdrop
	@$(BIN)/python -m local.ops.deploy_stack "$${STACK:-batchdrop}" --guided
adopt: setup ## what a deleted stack left behind into a new one, before make deploy: STACK=batchdrop
	@$(BIN)/batchdrop adopt --stack $${STACK:-batchdrop}
