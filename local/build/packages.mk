# The functions' packages, as `sam build` asks for them.
# What the packages are for: `lambda` (arm64, as template.yaml says) or `here` (this machine, for make run).
PACKAGE_FOR ?= lambda
FOR_lambda := --python-platform aarch64-manylinux_2_28 --python-version 3.13 --only-binary :all:
FOR_here := --python $(BIN)/python
LOCKED_lambda := .aws-sam/locked-lambda
LOCKED_here := .aws-sam/locked-here$(VERSION)
LOCKED := $(LOCKED_$(PACKAGE_FOR))
AWS_SERVICES := dynamodb events s3 secretsmanager sns sqs ssm xray

# Bytecode that is not compared with its source's date, which a zip file changes.
compiled = python=$$($(PYTHON_$(PACKAGE_FOR))) && [ "$$python" ] && PYTHONDONTWRITEBYTECODE= "$$python" -m compileall -qq \
	--invalidation-mode unchecked-hash -s "$(1)" -p /var/task $(2)
PYTHON_lambda := $(MAKE) -s python-3.13
PYTHON_here := echo $(abspath $(BIN)/python)
# Packages hold functions/, shared/ and the locked dependencies, nothing else. boto3 is shipped, so that what
# was tested is what runs. What no function needs is taken out (local/build/trim_packages.py). Without bytecode a start computes
# two to three times as long, and only a Python 3.13 can make it for Lambda: where there is none, packages go
# without and it is said. Made aside and put in place at the end: half of it is never taken for all.
$(LOCKED)/.stamp: uv.lock local/build/packages.mk local/build/trim_packages.py | $(ENV)/.stamp
	@echo "Fetching the locked dependencies for $(PACKAGE_FOR) …"
	@mkdir -p .aws-sam && new=$$(mktemp -d $(LOCKED).XXXXXX) && trap 'rm -rf "$$new" "$$new.txt"' EXIT && \
		$(UV) export -q --frozen --no-dev --no-emit-project -o "$$new.txt" && \
		$(UV) pip install -q --no-deps --require-hashes -r "$$new.txt" $(FOR_$(PACKAGE_FOR)) --target "$$new" && \
		$(BIN)/python -m local.build.trim_packages "$$new" $(AWS_SERVICES) && \
		{ { $(call compiled,$$new,"$$new"); } || \
			echo "No Python 3.13 is here: packages go without bytecode, and start slower"; } && \
		touch "$$new/.stamp" && chmod 755 "$$new" && rm -rf $(LOCKED) && mv "$$new" $(LOCKED)
# What only some functions need is left out of the others' packages.
ONLY_FOR_duckdb := Intake Land
ONLY_FOR_jsonschema_rs := Intake Land
ONLY_FOR_minijinja := Intake
SPARED := duckdb jsonschema_rs minijinja
build-%Function: $(LOCKED)/.stamp # called by sam build, once for each function; hard links spare the disk
	@cp -Rl $(LOCKED)/. "$(ARTIFACTS_DIR)" 2>/dev/null || cp -R $(LOCKED)/. "$(ARTIFACTS_DIR)"
	@cd "$(ARTIFACTS_DIR)" && rm -rf $(foreach package,$(SPARED),$(if $(filter $*,$(ONLY_FOR_$(package))),,$(package) \
		$(package)-*.dist-info _$(package) _$(package)-stubs adbc_driver_$(package) _$(package).*.so))
	@cp -R functions shared "$(ARTIFACTS_DIR)" && rm "$(ARTIFACTS_DIR)/.stamp" && \
		find "$(ARTIFACTS_DIR)"/functions "$(ARTIFACTS_DIR)"/shared -name __pycache__ -prune -exec rm -rf {} + ; \
		$(call compiled,$(ARTIFACTS_DIR),"$(ARTIFACTS_DIR)"/functions "$(ARTIFACTS_DIR)"/shared) || true
