# The project's commands; `make` alone lists them. For GNU make 3.81 (macOS) and newer.

PYTHON ?=# the Python that .venv is made with; by default the first suitable one that is found
ARGS ?=# passed on, as in: make run ARGS="--profile smoke"
TORCH ?= 2.13.0# the release of torch that `make lock` pins
LOCKED ?=# any value: install the files of requirements.lock, each checked by its SHA-256
MINUTES ?= 10# how long `make fuzz` runs
KILLS ?= 100# how often `make faults` kills each process

python := .venv/bin/python
needs := $(python) pyproject.toml $(if $(LOCKED),requirements.lock,constraints.txt)
# Stamps of finished installations. A locked environment has its own, since any other differs.
stamp := .venv/$(if $(LOCKED),locked,stamp)
notebooks := notebooks/*.ipynb
strip := $(python) -m nbstripout --keep-id --extra-keys "metadata.papermill cell.metadata.papermill"

.PHONY: help run full smoke bench lab app api test fuzz faults audit lint format lock hashes clean FORCE
.DELETE_ON_ERROR:

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-14s%s\n", $$1, $$2}'
	@echo 'ARGS="..." is passed on:   make run ARGS="--profile smoke"   make test ARGS="-k beats"'
	@echo 'PYTHON=... makes .venv:    make PYTHON=python3.12 run'

run: $(stamp)-run ## install into .venv and run all notebooks (profile quick, minutes)
	$(python) run_all.py $(ARGS)

full: $(stamp)-run ## run all notebooks with every model (profile full, an hour)
	$(python) run_all.py --profile full $(ARGS)

smoke: $(stamp)-run ## run all notebooks on synthetic beats (profile smoke, a minute)
	$(python) run_all.py --profile smoke $(ARGS)

bench: $(stamp)-test ## measure speed and memory, into benchmarks/results
	$(python) benchmarks/speed.py $(ARGS)
ifndef ARGS
	$(python) benchmarks/recording_speed.py
	$(python) benchmarks/archive.py
	$(python) benchmarks/api_load.py
endif

lab: $(stamp)-run ## open the notebooks in JupyterLab
	$(python) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks $(ARGS)

app: $(stamp)-app ## serve the classifier as a web app on http://localhost:3000
	$(python) -m voila notebooks/05_classifier_demo.ipynb --Voila.config_file_paths=app $(ARGS)

api: $(stamp)-api ## serve the classifier over HTTP: http://localhost:8000/docs
	$(python) -m ecglib.api

test: $(stamp)-test ## run the tests
	$(python) -m pytest $(ARGS)

fuzz: $(stamp)-test ## feed random files to the parsers for ten minutes (MINUTES=60)
	FUZZ_SECONDS=$$(($(MINUTES) * 60 / 8)) $(python) -m pytest -s tests/faults/test_fuzz*.py $(ARGS)

faults: $(stamp)-test ## fill the disk, kill every process 100 times (KILLS=1000)
	KILLS=$(KILLS) $(python) -m pytest -m faults $(ARGS)

audit: $(stamp)-test ## look up known security holes of the pinned versions
	$(python) scripts/audit.py

lint: $(stamp)-test ## check style, security rules and the order of imports, notebooks included
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	.venv/bin/lint-imports --no-logo --no-cache

format: $(stamp)-test ## repair the style and strip the notebooks' outputs
	$(python) -m ruff check --fix .
	$(python) -m ruff format .
	$(strip) $(notebooks)

lock: $(python) ## pin the newest versions that fit in constraints.txt (with Python 3.11)
	@$(python) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	    echo "Versions are pinned with the oldest Python that the project supports, so that they exist for the newer ones too: make clean, then make PYTHON=python3.11 lock." >&2; exit 1; }
	$(python) -m venv --clear build/lock
	build/lock/bin/python -m pip install --editable '.[api,app,archive,test]' 'torch==$(TORCH)'
	@{ echo '# The versions that were tested, for pip install --constraint. Made by `make lock`, not by hand.'; \
	   echo '# What torch itself pins (its GPU libraries) is left out, and so are local builds (+cpu).'; \
	   build/lock/bin/python -m pip freeze --exclude-editable | sed -e 's/+[a-z0-9.]*$$//' | \
	       grep -E '^[A-Za-z0-9._-]+==' | grep -viE '^(cuda|nvidia|triton|pip|setuptools|wheel)[a-z0-9._-]*='; \
	} > constraints.txt.new
	@mv constraints.txt.new constraints.txt
	@$(MAKE) --no-print-directory hashes
	@rm -rf build/lock

hashes: $(python) ## write the SHA-256 of every file of the pinned versions to requirements.lock
	@[ -d build/lock ] || $(python) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv
	@{ echo '# Every dependency with the SHA-256 of each of its files, for all systems and Pythons. By `make hashes`.'; \
	   echo '# make run LOCKED=1, or: pip install --require-hashes -r requirements.lock'; \
	   build/lock/bin/uv pip compile --quiet pyproject.toml --all-extras --constraint constraints.txt \
	       --universal --python-version 3.11.5 --generate-hashes --no-header --no-annotate; \
	} > requirements.lock.new
	@mv requirements.lock.new requirements.lock

clean: ## remove .venv, caches and the smoke run; keeps data, results and models
	rm -rf .venv build dist *.egg-info outputs/smoke .pytest_cache .ruff_cache .hypothesis constraints.txt.new requirements.lock.new
	find ecglib tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | while read -r folder; do rm -rf "$$folder"; done

# --- the environment ---------------------------------------------------------------------------
# Installed again when the dependencies change. Each set of extras has a stamp; the tests' set
# includes the others.

pip := $(python) -m pip install --disable-pip-version-check $(if $(CI),--quiet)

comma := ,# one that is not between arguments of call

define install
$(if $(LOCKED),$(pip) --require-hashes --requirement requirements.lock && $(pip) --no-deps --editable .,\
    $(pip) --constraint constraints.txt --editable '.$(1)')
endef

$(stamp)-run: $(needs)
	$(call install,)
	@touch $@

$(stamp)-test: $(needs)
	$(call install,[app$(comma)api$(comma)archive$(comma)test])
	@touch $(stamp)-run $(stamp)-app $(stamp)-api $@

$(stamp)-app: $(needs)
	$(call install,[app])
	@touch $(stamp)-run $@

$(stamp)-api: $(needs)
	$(call install,[api])
	@touch $(stamp)-run $@

# An environment holds absolute paths, so one that was moved, copied or left unfinished is made again.
ifneq ($(shell cat .venv/location 2>/dev/null),$(CURDIR))
$(python): FORCE
endif

$(python):
	@if [ -n "$(PYTHON)" ]; then set -- "$(PYTHON)"; \
	else set -- python3 python3.13 python3.12 python3.11 python; fi; \
	for python; do \
	    "$$python" -c 'import sys; sys.exit(not (3, 11, 5) <= sys.version_info < (3, 14))' 2>/dev/null \
	        && break; \
	    python=; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Python 3.11.5 to 3.13 is needed, and none was found as: $$*. Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" --version)"; \
	if ! "$$python" -m venv --clear .venv; then \
	    rm -rf .venv; \
	    echo "$$python cannot make a virtual environment. On Debian or Ubuntu its venv module is a package of its own: sudo apt install python3-venv, then run make again." >&2; \
	    exit 1; \
	fi; \
	pwd -P > .venv/location
