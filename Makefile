# Everything here does its own set-up in .venv, with pip alone.
PYTHON ?= python3
BIN := .venv/bin
# Silences pip's advice about itself; wrong settings still show.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo talk serve test test-all check unit bench bench-engines moshi test-voices clean

help:
	@echo "make demo    hear a recorded caller talk to the agent (nothing to download)"
	@echo "make talk    talk to it yourself (needs PortAudio: apt install libportaudio2)"
	@echo "make serve   answer calls from browsers, programs and telephones on http://127.0.0.1:8080"
	@echo "make test    lint, types, layers, tests"
	@echo "make test-all  the same, and calls from real browsers, exchanges and telephones"
	@echo "make bench   what parley itself costs, in a table"
	@echo "make bench-engines  what recognisers, language models and voices cost (docs/benchmarks/engines.md)"
	@echo "make test-voices  tests of the voices that need torch or PyAudio, in an environment of their own"
	@echo "make moshi   the environment of duplex models, with torch (docs/duplex_worker.md)"

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.offline: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[offline]'
	touch $@

.venv/.test: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable '.[test]'
	$(BIN)/pip install --quiet --no-deps 'pipecat-ai==1.14.0'  # only the weights of Smart Turn
	touch $@ .venv/.offline

demo: .venv/.offline
	$(BIN)/parley demo

talk: .venv/.offline
	$(BIN)/pip install --quiet --editable '.[offline,mic]'
	$(BIN)/parley talk

serve: .venv/.offline
	$(BIN)/pip install --quiet --editable '.[offline,webrtc,sip]'
	$(BIN)/parley serve

test: check unit

# With the real browsers, exchanges and telephones that are installed (.ci/run says what from).
test-all:
	PARLEY_PEERS=1 $(MAKE) test

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The core first, alone: it must reach every branch by its own tests.
unit: .venv/.test
	$(BIN)/pytest tests/core --cov --cov-report=term-missing:skip-covered
	$(BIN)/pytest tests --ignore=tests/core -n 2 --dist loadfile

bench: .venv/.offline
	$(BIN)/parley bench runtime

# On tiny models made on the spot, or on those found below PARLEY_MODELS=DIR.
bench-engines: .venv/.test
	$(BIN)/python -m benchmarks.engines

# The voices that bring torch, and those of RealtimeTTS, where test would skip them.
test-voices: .venv-voices/.made
	.venv-voices/bin/python -m pytest tests/models/test_pocket_tts.py tests/models/test_realtimetts.py
	.venv-voices/bin/python -m pytest tests/contracts/test_synthesizer.py -k 'pocket_tts or realtimetts'

.venv-voices/.made: pyproject.toml requirements/voices.txt
	$(PYTHON) -m venv .venv-voices
	.venv-voices/bin/pip install --quiet --editable . --requirement requirements/voices.txt
	touch $@

# moshi's pins exclude newer torch and numpy: an environment of its own. MOSHI_PIP: options of pip.
moshi: .venv-moshi/.made

.venv-moshi/.made: requirements/moshi.txt
	$(PYTHON) -m venv .venv-moshi
	.venv-moshi/bin/pip install --quiet $(MOSHI_PIP) --requirement requirements/moshi.txt
	.venv-moshi/bin/pip install --quiet --no-deps 'moshi==0.2.13'
	touch $@

clean:
	rm -rf .venv .venv-moshi .venv-voices out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
