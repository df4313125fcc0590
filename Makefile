# Lantern. `make` lists what there is; `make run` and `make test` work from a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export RASA_TELEMETRY_ENABLED := false
export PYTHONWARNINGS := ignore
export TF_CPP_MIN_LOG_LEVEL := 3
export PYTHONDONTWRITEBYTECODE :=

UV := .tools/bin/uv
A := .venv-assistant/bin
S := .venv-services/bin
T := .venv-training/bin
ENCODER := models/minilm.onnx
NEAREST := models/examples.safetensors
MODEL := models/lantern.tar.gz
PURE := tests/unit/safeguarding/risk tests/unit/safeguarding/content tests/contract/test_lexicon.py
SENTENCES := $(filter-out %/calibration.yml %/chat_signs.yml,$(wildcard data/risk/*.yml))
TRAINED_FROM := config.yml domain.yml $(shell find data/nlu data/rules data/stories bot safeguarding/encoders -name "*.yml" -o -name "*.py") \
	$(SENTENCES) $(wildcard content/risk/*.yml)

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | column -ts $$'\t'

# ---- set-up -------------------------------------------------------------------------------------
$(UV):
	@python3 -m venv .tools >&2 && .tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 >&2

.venv-services/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-services $(UV) sync --quiet --locked --group services --group browser --python 3.11 >&2 && touch $@

.venv-assistant/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-assistant $(UV) sync --quiet --locked --group assistant --python 3.10 >&2 && touch $@

.venv-training/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-training $(UV) sync --quiet --locked --group training --python 3.11 >&2 && touch $@

$(ENCODER): safeguarding/encoders/build_onnx.py safeguarding/encoders/weights.py safeguarding/encoders/adapter.py \
		data/risk/adapter.safetensors .venv-assistant/.synced
	@$(A)/python -m safeguarding.encoders.build_onnx >&2 && touch $@

$(NEAREST): $(ENCODER) safeguarding/risk/nearest.py $(SENTENCES) $(wildcard content/risk/*.yml) .venv-services/.synced
	@$(S)/python -m safeguarding.risk.nearest >&2 && touch $@

web/console/static/govuk/.built: package-lock.json scripts/build_static.py .venv-services/.synced
	@$(S)/python scripts/build_static.py >&2 && touch $@

install: .venv-services/.synced .venv-assistant/.synced $(ENCODER) $(NEAREST) web/console/static/govuk/.built  ## Both environments, the encoder, the console's styles

setup: install  ## Secrets, database and the first staff account (its password is printed once)
	@$(S)/python -m safeguarding.setup

$(MODEL): $(TRAINED_FROM) $(ENCODER) $(NEAREST)
	@$(A)/rasa train --fixed-model-name lantern --out models --data data/nlu data/rules data/stories --config config.yml --domain domain.yml 2>&1 \
		| tr '\r' '\n' | grep --line-buffered -E 'training|trained|Error|rror:|onflict|ontradict' >&2; exit $${PIPESTATUS[0]}
	@touch $@

train: $(MODEL) $(NEAREST)  ## Encoder, risk classifier and Rasa model, where what they come from has changed

adapt: .venv-training/.synced .venv-services/.synced  ## Teach the encoder anew from data/risk and data/nlu (under an hour; resumable), then calibrate
	@$(T)/python -m training.adapt
	@$(MAKE) calibrate

calibrate: .venv-training/.synced $(ENCODER)  ## Probabilities and bars from the development sentences and chats
	@$(T)/python -m training.calibrate && $(T)/python -m training.chat_bars

compare: .venv-training/.synced $(ENCODER)  ## Other models on the same sentences, in one table
	@$(T)/python -m training.compare

# ---- run ----------------------------------------------------------------------------------------
run: install $(MODEL) setup  ## Everything, on this machine; says where to click
	@LANTERN_CONSOLE_INSECURE_COOKIES=$${LANTERN_CONSOLE_INSECURE_COOKIES:-true} $(S)/honcho start

screen: .venv-services/.synced $(ENCODER) $(NEAREST)  ## Risk of each line {"id","text"} on standard input
	@$(S)/python -m safeguarding.risk.screen

classify: .venv-assistant/.synced $(MODEL)  ## Intent and topic of each line {"id","text"} on standard input
	@$(A)/python -m bot.classify

learn: install  ## Verdicts of staff that wait to become examples; ID=<escalation> retells one
	@$(S)/python -m safeguarding.escalations.to_example $(ID)

evaluate: install $(MODEL)  ## The evaluation report: every aim, on messages that were never learned
	@$(S)/python -m scripts.evaluate

bench: install $(MODEL)  ## Latency, throughput, memory and start-up beside a stock Rasa project
	@$(S)/python -m scripts.bench

# ---- check --------------------------------------------------------------------------------------
test: lint types imports content unit stories integration browser  ## All checks and tests

lint: .venv-services/.synced  ## Style of the code and of YAML
	@$(S)/ruff check . && $(S)/ruff format --check --quiet . && $(S)/yamllint --strict .

types: .venv-services/.synced .venv-assistant/.synced  ## mypy strict, each room in its environment
	@$(S)/mypy safeguarding actions web scripts training && $(A)/mypy bot

imports: .venv-services/.synced  ## Who may import whom
	@$(S)/lint-imports --no-cache | tail -12; exit $${PIPESTATUS[0]}

content: .venv-services/.synced  ## Every problem of content and lexicon at once, and what is due
	@$(S)/python -m safeguarding.content.check; wrong=$$?; $(S)/python -m safeguarding.approval_report; exit $$wrong

unit: install .venv-training/.synced  ## Unit and contract tests, each in its environment
	@$(A)/python -m pytest -q tests/unit/bot $(PURE)
	@$(T)/python -m pytest -q tests/unit/training
	@$(S)/python -m pytest -q tests/unit tests/contract --ignore tests/unit/bot --ignore tests/unit/training

stories: install $(MODEL)  ## Rasa's own tests on the trained model
	@$(A)/rasa test core --model $(MODEL) --stories tests/test_stories.yml --fail-on-prediction-errors --out results 2>&1 | grep -v Warning; exit $${PIPESTATUS[0]}

integration: install $(MODEL)  ## Real Rasa, action server, gateway and databases, with real faults
	@$(S)/python -m pytest -q tests/integration

browser: install $(MODEL)  ## Chromium: widget, console, and the whole journey
	@scripts/find_chromium.sh && $(S)/python -m pytest -q tests/e2e

clean:  ## Remove what was made; environments and state stay
	@rm -rf models results reports .pytest_cache .mypy_cache .ruff_cache .rasa

.PHONY: help install setup train adapt calibrate compare learn run screen classify evaluate bench test lint types imports content unit stories integration browser clean
