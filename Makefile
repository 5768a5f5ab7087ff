# Every target sets up what it needs, given Python 3.11 or newer and make.
# Times are for two idle cores; the first run of a target also installs what it needs (minutes).
#   make test-quick  losses, metrics, decisions and the structure of the code (2 minutes)
#   make test        the test suite, then the examples in the docstrings and the README (15 minutes)
#   make benchmark   focal loss against weighted log loss on real tables (4 minutes); ARGS="--quick" for
#                    one minute, ARGS="--report x.html" for a report, ARGS="--help" for more
#   make quality     gbimb and its rivals on a folder of tables (hours); ARGS="--data FOLDER" runs it
#   make speed       time and memory of gbimb against the engines alone (minutes); ARGS="--help" for sizes
#   make scale       two million rows with one model, bags and LightGBM alone (4 minutes)
#   make scale-full  the same with twenty million (48 minutes, 3 GB of disk)
#   make docs        the site, into docs/_build/html; warnings and dead links are errors (3 minutes)
#   make notebooks   run the notebooks and keep their outputs (10 minutes); ARGS="01 05" for some
#   make wheel       wheel and sdist into dist, checked by twine, tests against the wheel (5 minutes)
#   make lint types, or all of it: make check (an hour)
#   make coverage    lines and branches that the suite runs; fails below 95 % (half an hour)
#   make audit       known weaknesses and licences of the dependencies (a minute)
#   make reproducible  wheel and sdist twice, which must be the same bytes (a minute)
#   make light       what works with one engine installed, and with xgboost-cpu (5 minutes)
#   make lowest      the suite on the lowest versions that pyproject.toml allows (half an hour)
#   make fuzz        random bytes for the readers of models and tables (minutes); ARGS="--seconds 600"
#   make mutation    whether a test notices changes of losses and metrics (half an hour)
#   make soak        1,000 fits in one process, which must not grow (minutes); ARGS="--fits 50" for fewer
# Variables: PYTHON (interpreter), CORES (test processes), ARGS (for benchmark, test and notebooks).

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && exit; \
	done; echo python3)
CORES ?= 2
WHEEL_TESTS ?= persistence report cli/test_journey.py test_datasets.py test_public_api.py estimators/test_tables.py
QUICK_TESTS ?= losses metrics thresholds test_architecture.py test_public_api.py test_plain_words.py
ARGS ?=

DEV := .venv
CORE := .venv-core
WHEEL := .venv-wheel
QUALITY := .venv-quality
AUDIT := .venv-audit
LOWEST := .venv-lowest
LIGHT := .venv-light
# Those of NVIDIA are of a library that the Linux wheels of XGBoost bring.
LICENCES := MIT;BSD;Apache;ISC;PSF;Python Software Foundation;MPL;Mozilla;LicenseRef-NVIDIA-Proprietary
PIP := -m pip install --quiet --disable-pip-version-check
ROOT := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help test test-quick doctest benchmark quality quality-report speed scale scale-full docs notebooks lint \
	types wheel check clean coverage audit reproducible soak lowest light fuzz mutation

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

# --- environments: one for test, lint and types, and one each for core, wheel and quality ---

$(DEV)/.made $(CORE)/.made $(WHEEL)/.made $(QUALITY)/.made $(AUDIT)/.made $(LOWEST)/.made $(LIGHT)/.made:
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	  f"gbimb needs Python 3.11 or newer, got {v.major}.{v.minor}. Name another: make PYTHON=python3.12 ...")'
	@echo "Setting up $(@D) (a few minutes the first time)"
	@"$(PYTHON)" -m venv --clear $(@D)
	@$(@D)/bin/python $(PIP) --upgrade "pip>=25.1"
	@touch $@

$(DEV)/.test: $(DEV)/.made pyproject.toml constraints.txt
	@$(@D)/bin/python $(PIP) -c constraints.txt -e ".[engines]" --group test
	@touch $@

$(DEV)/.lint: $(DEV)/.made pyproject.toml constraints.txt
	@$(@D)/bin/python $(PIP) -c constraints.txt --group lint
	@touch $@

$(DEV)/.types: $(DEV)/.test
	@$(@D)/bin/python $(PIP) -c constraints.txt --group types
	@touch $@

$(DEV)/.docs: $(DEV)/.test
	@$(@D)/bin/python $(PIP) -c constraints.txt --group docs
	@touch $@

$(CORE)/.core: $(CORE)/.made pyproject.toml constraints.txt
	@$(@D)/bin/python $(PIP) -c constraints.txt -e ".[engines]"
	@touch $@

$(QUALITY)/.quality: $(QUALITY)/.made pyproject.toml constraints.txt
	@$(@D)/bin/python $(PIP) -c constraints.txt -e ".[engines]" --group quality
	@touch $@

$(AUDIT)/.audit: $(AUDIT)/.made pyproject.toml constraints.txt
	@$(@D)/bin/python $(PIP) -c constraints.txt ".[engines]" --group audit
	@touch $@

$(DEV)/.fuzz: $(DEV)/.test
	@$(@D)/bin/python $(PIP) -c constraints.txt --group fuzz
	@touch $@

$(DEV)/.mutation: $(DEV)/.test
	@$(@D)/bin/python $(PIP) -c constraints.txt --group mutation
	@touch $@

$(LOWEST)/.lowest: $(LOWEST)/.made pyproject.toml tests/lowest.py
	@$(@D)/bin/python tests/lowest.py > $(@D)/lowest.txt
	@$(@D)/bin/python $(PIP) -c $(@D)/lowest.txt -e ".[all]" --group test
	@touch $@

# --- what to run ---

test: $(DEV)/.test
	$(DEV)/bin/pytest -n $(CORES) $(ARGS)
	@$(MAKE) --no-print-directory doctest

test-quick: $(DEV)/.test
	$(DEV)/bin/pytest -q -n $(CORES) $(QUICK_TESTS:%=tests/%) $(ARGS)

doctest: $(DEV)/.test
	$(DEV)/bin/pytest -p no:randomly --doctest-modules --doctest-glob="*.md" gbimb README.md docs/*.md

benchmark: $(CORE)/.core
	@$(if $(findstring --report,$(ARGS)),$(CORE)/bin/python $(PIP) -c constraints.txt -e ".[report]")
	@$(CORE)/bin/gbimb benchmark $(ARGS)

quality: $(QUALITY)/.quality
	@$(QUALITY)/bin/python -W ignore -m benchmarks.quality.run $(or $(ARGS),--help)

quality-report: $(QUALITY)/.quality
	@$(QUALITY)/bin/python -W ignore -m benchmarks.quality.report $(ARGS)

speed: $(CORE)/.core
	@$(CORE)/bin/python -W ignore -m benchmarks.speed $(ARGS)

docs: $(DEV)/.docs
	@rm -rf docs/_build docs/api
	$(DEV)/bin/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build/html
	$(DEV)/bin/python docs/check_site.py docs/_build/html

notebooks: $(DEV)/.docs
	$(DEV)/bin/python notebooks/run.py $(ARGS)

scale: $(DEV)/.test
	@$(DEV)/bin/python -W ignore -m benchmarks.scale --rows 2000000 $(ARGS)

scale-full: $(DEV)/.test
	@$(DEV)/bin/python -W ignore -m benchmarks.scale --rows 20000000 $(ARGS)

lint: $(DEV)/.lint
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/codespell

types: $(DEV)/.types
	$(DEV)/bin/mypy

# Twine reads wheel and sdist as a package index would. Those tests that would notice a missing file
# run against the installed wheel, from an empty directory, so that what the wheel lacks cannot be
# found in the source tree.
wheel: $(WHEEL)/.made
	@rm -rf dist
	@$(WHEEL)/bin/python $(PIP) -c constraints.txt --group publish
	$(WHEEL)/bin/hatchling build -d dist
	$(WHEEL)/bin/twine check --strict dist/*
	@$(WHEEL)/bin/python $(PIP) -c constraints.txt "$$(ls dist/*.whl)[engines]" --group test
	@$(WHEEL)/bin/python $(PIP) --force-reinstall --no-deps dist/*.whl
	@away=$$(mktemp -d) && trap 'rm -rf "$$away"' EXIT && cd "$$away" && \
	  "$(ROOT)/$(WHEEL)/bin/python" -c 'import gbimb; assert "site-packages" in gbimb.__file__, gbimb.__file__' && \
	  "$(ROOT)/$(WHEEL)/bin/pytest" -n $(CORES) -c "$(ROOT)/pyproject.toml" --rootdir "$(ROOT)" \
	    $(addprefix "$(ROOT)/tests"/,$(WHEEL_TESTS))

coverage: $(DEV)/.test
	$(DEV)/bin/pytest -n $(CORES) --cov --cov-fail-under=95 $(ARGS)

# Licences are read from the packages; one that is not in the list fails. Weaknesses are asked of a
# service: what it does not answer for is said.
audit: $(AUDIT)/.audit
	$(AUDIT)/bin/pip-licenses --format=markdown --order=license --partial-match --allow-only="$(LICENCES)"
	@found=$$($(AUDIT)/bin/pip-audit --skip-editable --timeout 20 2>&1); code=$$?; echo "$$found"; \
	  unknown=$$(echo "$$found" | grep -v "^gbimb " | grep -c "could not be audited"); \
	  if echo "$$found" | grep -qiE "connection|timed out|service ?error"; then \
	    echo "The service for known weaknesses did not answer: not checked."; \
	  else [ "$$unknown" = 0 ] || echo "The service does not know $$unknown of the packages: not checked."; \
	    exit $$code; fi

reproducible: $(WHEEL)/.made
	@$(WHEEL)/bin/python $(PIP) -c constraints.txt --group publish
	@one=$$(mktemp -d) && other=$$(mktemp -d) && trap 'rm -rf "$$one" "$$other"' EXIT && \
	  SOURCE_DATE_EPOCH=1700000000 $(WHEEL)/bin/hatchling build -d "$$one" >/dev/null && \
	  SOURCE_DATE_EPOCH=1700000000 $(WHEEL)/bin/hatchling build -d "$$other" >/dev/null && \
	  diff -r "$$one" "$$other" && echo "The same bytes twice:" && cd "$$one" && sha256sum *

# One engine in an environment of its own, without and with XGBoost's build for processors alone.
light: $(LIGHT)/.made
	@$(LIGHT)/bin/python -m pip uninstall -qy xgboost-cpu  # left there by an earlier run
	@$(LIGHT)/bin/python $(PIP) -c constraints.txt ".[lightgbm]" && $(LIGHT)/bin/python -m pip check
	@cd / && $(ROOT)/$(LIGHT)/bin/python "$(ROOT)/tests/light.py" lightgbm
	@$(LIGHT)/bin/python $(PIP) -c constraints.txt ".[xgboost-cpu]" && $(LIGHT)/bin/python -m pip check
	@cd / && $(ROOT)/$(LIGHT)/bin/python "$(ROOT)/tests/light.py" lightgbm xgboost

# Newer versions of other packages deprecate what the lowest ones use.
lowest: $(LOWEST)/.lowest
	$(LOWEST)/bin/pytest -n $(CORES) -W ignore::DeprecationWarning -W ignore::FutureWarning $(ARGS)

fuzz: $(DEV)/.fuzz
	@$(DEV)/bin/python -m tests.fuzzing.run $(ARGS)

mutation: $(DEV)/.mutation
	@OMP_NUM_THREADS=1 $(DEV)/bin/python -m benchmarks.mutation $(ARGS)

soak: $(CORE)/.core
	@$(CORE)/bin/python -W ignore -m benchmarks.soak $(ARGS)

check: lint types test docs notebooks wheel light audit

clean:
	rm -rf $(DEV) $(CORE) $(WHEEL) $(AUDIT) $(LOWEST) $(LIGHT) $(QUALITY) $(QUALITY)-* dist docs/_build docs/api docs/benchmarks docs/notebooks .mypy_cache .ruff_cache .pytest_cache .hypothesis
