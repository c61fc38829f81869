# The tools that the Makefile uses, each in an environment of its own under .venvs/. What runs the project's
# code is there once for each version of Python, so that switching between versions rebuilds nothing.
PYTHON ?= python3
FOUND := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)' \
	2>/dev/null)
VERSION := $(firstword $(FOUND))
ENV := .venvs/python$(VERSION)
BIN := $(ENV)/bin
UV := .venvs/uv/bin/uv
# SAM's settings stay here: it would note in the home directory that its telemetry is on.
SAM := SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=.venvs/sam/settings .venvs/sam/bin/sam

# Stamps of environments whose Python is gone: as phony targets they are made again.
GONE := $(patsubst %/bin/python,%/.stamp,$(shell find -L $(BIN)/python .venvs/sam/bin/python \
	.venvs/ministack$(VERSION)/bin/python -type l 2>/dev/null))

.PHONY: setup new-python FORCE $(GONE)

# A stamp is removed before its environment changes and written when it is complete. Without a stamp the
# environment is made anew. All of them can be moved, but the project's knows where its code lies.
setup: $(ENV)/.stamp .venvs/sam/.stamp .venvs/ministack$(VERSION)/.stamp
	@# .venv is the usual Python's environment, or the only one.
	@[ "$(origin PYTHON)" = "command line" ] && [ -e .venv ] || [ "$$(readlink .venv)" = "$(ENV)" ] || \
		{ rm -rf .venv && ln -s $(ENV) .venv; }
$(ENV)/.stamp: uv.lock pyproject.toml .venvs/.place | .venvs/uv/.stamp
	@echo "Setting up the project's environment from uv.lock, for Python $(VERSION) …"
	@$(fresh) && UV_PROJECT_ENVIRONMENT=$(ENV) $(UV) sync -q --frozen $(or_offline) && touch $@
.venvs/ministack$(VERSION)/.stamp: local/build/tools/ministack.txt | new-python .venvs/uv/.stamp
	@echo "Setting up MiniStack, for Python $(VERSION) …"
	@$(fresh) && $(UV) pip sync -q --require-hashes --python $(@D)/bin/python $< $(or_offline) && touch $@
$(foreach tool,sam checkov pip-audit schemathesis,.venvs/$(tool)/.stamp): .venvs/%/.stamp: local/build/tools/%.txt \
		| new-python .venvs/uv/.stamp
	@echo "Setting up $* …"
	@$(fresh) && $(UV) pip sync -q --require-hashes --python $(@D)/bin/python $< $(or_offline) && touch $@
.venvs/uv/.stamp: local/build/tools/uv.txt | new-python
	@echo "Setting up uv, which sets up the rest: 300 MB to fetch, 0.8 GB of disk, a minute or two …"
	@rm -f $@ && $(PYTHON) -m venv --clear .venvs/uv || \
		{ echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@.venvs/uv/bin/pip install -q --require-hashes -r $< $(or_offline) && $(UV) --version >/dev/null && touch $@
.venvs/.place: FORCE | new-python
	@mkdir -p .venvs && here=$$(cd .venvs && pwd -P) && [ "$$(cat $@ 2>/dev/null)" = "$$here" ] || echo "$$here" >$@
new-python:
	@case "$(VERSION)" in 3.1[1-9] | 3.[2-9]?) ;; *) echo "Python 3.11 or newer is needed; $(PYTHON) is" \
		"$(or $(VERSION),not here). Name another: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1;; esac
fresh = { [ -e $@ ] && [ -e $(@D)/bin/python ] || $(UV) venv -q --clear --relocatable \
	--python "$(wordlist 2,99,$(FOUND))" $(@D); } && rm -f $@
or_offline = || { echo "That failed. Setting up needs the network; afterwards nothing here does." >&2; exit 1; }

python-%: | .venvs/uv/.stamp # where a Python of that version is, if one is at hand
	@for each in python$* "$$HOME"/.pyenv/versions/$**/bin/python \
		"$$($(UV) python find $* --no-python-downloads 2>/dev/null)"; do \
		"$$each" -c "" 2>/dev/null && command -v "$$each" && break; done; true
