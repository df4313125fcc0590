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
LANTERN := python -m lantern
ENCODER := models/mpnet.onnx
# When models/vectors.safetensors, examples.safetensors and learned.json were last looked after.
VECTORS := models/.vectors
LEARNED := models/learned.json
MODEL := models/lantern.tar.gz
TAUGHT_BY := data/nlu data/rules data/stories
SENTENCES := $(shell find data/risk -name "*.yml")
NLU := $(wildcard data/nlu/*.yml)
# Tests of lab/ and ops/ that need Rasa or onnx, and so the assistant's environment.
IN_RASA := tests/unit/lab/evaluation/test_baseline_diet.py tests/unit/ops/encoder
READS_TEXT := $(wildcard safeguarding/risk/text/*.py safeguarding/risk/lexicon/reader.py) safeguarding/risk/corpus.py $(wildcard content/risk/*.yml)
# Of the articles the folder: only one more or less changes the model. Of data/risk and content/risk nothing:
# what Rasa learns from them is in $(LEARNED), whose time changes only with its content.
TRAINED_FROM := config.yml domain.yml $(filter-out bot/classify.py,$(wildcard bot/*.py)) \
	$(shell find data/rules data/stories -name "*.yml") $(NLU) content/help_card.yml content/articles content/choices.yml \
	$(wildcard content/guides/*.yml content/follow_ups/*.yml content/languages/*.yml)
SET_UP := .venv-services/.synced .venv-assistant/.synced $(ENCODER) $(VECTORS) staff/console/static/govuk/.built
# Independent steps two at a time, with the lines of each kept together.
TWO_AT_A_TIME := $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j2)

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | column -ts $$'\t'

# ---- set-up -------------------------------------------------------------------------------------
$(UV):
	@python3 -m venv .tools >&2 && .tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 >&2

# Only what running needs. --inexact leaves alone what the tests have added.
.venv-services/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-services $(UV) sync --quiet --locked --inexact --no-default-groups --group services --python 3.11 >&2 && touch $@

.venv-assistant/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-assistant $(UV) sync --quiet --locked --inexact --no-default-groups --group assistant --python 3.10 >&2 && touch $@

# What tests and checks need besides. It also removes what the lock no longer names.
.venv-services/.for-tests: .venv-services/.synced
	@UV_PROJECT_ENVIRONMENT=.venv-services $(UV) sync --quiet --locked --group services --group browser --python 3.11 >&2 && touch $@

.venv-assistant/.for-tests: .venv-assistant/.synced
	@UV_PROJECT_ENVIRONMENT=.venv-assistant $(UV) sync --quiet --locked --group assistant --python 3.10 >&2 && touch $@

.venv-training/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-training $(UV) sync --quiet --locked --group training --python 3.11 >&2 && touch $@

$(ENCODER): $(addprefix ops/encoder/,encoder.py graph.py smoothing.py) safeguarding/risk/encoder/adapter.py \
		artifacts/adapter.safetensors .venv-assistant/.synced
	@$(A)/$(LANTERN) export-encoder >&2 && touch $@

# Encodes only what neither models/ nor artifacts/ has, so its sources may be listed generously.
$(VECTORS): $(ENCODER) ops/encoder/vectors.py safeguarding/risk/encoder/learned.py $(READS_TEXT) $(SENTENCES) $(NLU) \
		$(wildcard content/follow_ups/*.yml) safeguarding/risk/encoder/kept_vectors.py safeguarding/risk/encoder/nearest.py .venv-services/.synced
	@$(S)/$(LANTERN) export-vectors >&2 && touch $@

# The recipe does nothing: make looks at the file's own time again after it.
$(LEARNED): $(VECTORS)
	@test -f $@

staff/console/static/govuk/.built: package-lock.json ops/build_static.py .venv-services/.synced
	@$(S)/$(LANTERN) build-static >&2 && touch $@

# What tests need of npm, which no installation gets.
node_modules/.for-tests: package-lock.json staff/console/static/govuk/.built
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && touch $@

install: $(SET_UP)  ## Both environments, the encoder, the vectors of our sentences, the console's styles

setup: install  ## Secrets, database and the first staff accounts (their passwords are printed once)
	@$(S)/$(LANTERN) setup

# Whether the files agree is checked by `make stories`.
$(MODEL): $(TRAINED_FROM) $(LEARNED) .venv-assistant/.synced
	@$(A)/rasa train --skip-validation --fixed-model-name lantern --out models --data $(TAUGHT_BY) --config config.yml --domain domain.yml 2>&1 \
		| stdbuf -oL tr '\r' '\n' | grep --line-buffered -E 'training|trained|Error|rror:|onflict|ontradict' >&2; exit $${PIPESTATUS[0]}
	@touch $@

train: $(MODEL) $(VECTORS)  ## Encoder, sentence vectors, nearest examples and Rasa model, where what they come from has changed

# The encoder: building it unpacks the published weights, which the training begins with.
adapt: .venv-training/.synced .venv-services/.synced $(ENCODER)  ## Teach the encoder anew from data/risk and data/nlu (some hours on two cores; resumable), then calibrate
	@$(T)/$(LANTERN) adapt
	@$(MAKE) calibrate vectors

vectors: .venv-services/.synced $(ENCODER)  ## artifacts/vectors.safetensors anew: after some 2,000 new sentences, or when a test asks for it
	@$(S)/$(LANTERN) export-vectors --ship && touch $(VECTORS)

calibrate: .venv-training/.synced $(ENCODER)  ## Probabilities and thresholds from the development sentences and chats
	@$(T)/$(LANTERN) calibrate

compare: .venv-training/.synced $(ENCODER)  ## Other models on the same sentences, in one table
	@$(T)/$(LANTERN) compare

# ---- run ----------------------------------------------------------------------------------------
run:  ## Everything, on this machine; says where to click
	@$(TWO_AT_A_TIME) $(SET_UP) $(MODEL)
	@$(S)/$(LANTERN) setup --rota
	@LANTERN_CONSOLE_INSECURE_COOKIES=$${LANTERN_CONSOLE_INSECURE_COOKIES:-true} $(S)/$(LANTERN) supervise --once ready

screen: .venv-services/.synced $(ENCODER) $(VECTORS)  ## Risk of each line {"id","text","history"?} on standard input
	@$(S)/$(LANTERN) screen

reply: install $(MODEL)  ## Replies of the whole stack to each line {"id","turns","audience"?} on standard input
	@$(S)/$(LANTERN) reply

classify: .venv-assistant/.synced $(MODEL)  ## Intent and topic of each line {"id","text"} on standard input
	@$(A)/$(LANTERN) classify

learn: install  ## Verdicts of staff that wait to become examples; ID=<escalation> retells one
	@$(S)/$(LANTERN) learn $(ID)

verify-audit: .venv-services/.synced  ## Prove that the audit trail is whole, or name its first broken link
	@$(S)/$(LANTERN) verify-audit

evaluate: install .venv-training/.synced $(MODEL)  ## The evaluation report: every aim, on messages that were never learned
	@$(T)/$(LANTERN) evaluate

bench: install .venv-training/.synced $(MODEL)  ## Latency, throughput, memory and processor time beside a stock Rasa project, and where a message spends them
	@$(S)/$(LANTERN) bench && $(T)/$(LANTERN) plot-bench

load: install $(MODEL)  ## 200 people who chat for 5 minutes, then a storm of ten times what can be answered
	@$(S)/$(LANTERN) load

pictures: install $(MODEL) .venv-services/.for-tests  ## The chat and the console in each state, at two sizes, light and dark: results/pictures
	@ops/find_chromium.sh && $(S)/$(LANTERN) pictures

chaos: install $(MODEL)  ## Faults at random for CHAOS_SECONDS (720): what was lost, doubled or told nobody; CHAOS_SEED repeats
	@$(S)/$(LANTERN) chaos

# ---- check --------------------------------------------------------------------------------------
test: lint types imports content unit stories integration browser  ## All checks and tests

lint: .venv-services/.for-tests  ## Style of the code and of YAML
	@$(S)/ruff check . && $(S)/ruff format --check --quiet . && $(S)/yamllint --strict .

types: .venv-services/.for-tests .venv-assistant/.for-tests  ## mypy, strict but for tests, each room in its environment
	@$(S)/mypy lantern.py safeguarding storage actions chat staff web ops lab tests --exclude tests/unit/bot/ && $(A)/mypy bot tests/unit/bot

imports: .venv-services/.for-tests  ## Who may import whom
	@$(S)/lint-imports --no-cache | tail -12; exit $${PIPESTATUS[0]}

content: .venv-services/.synced  ## Every problem of content at once, what is due and what is signed
	@$(S)/$(LANTERN) check-content; wrong=$$?; $(S)/$(LANTERN) approvals; exit $$wrong

unit: install $(MODEL) .venv-services/.for-tests .venv-assistant/.for-tests .venv-training/.synced  ## Unit and contract tests, each in its environment
	@$(A)/python -m pytest -q tests/unit/bot $(IN_RASA)
	@$(T)/python -m pytest -q tests/unit/lab --ignore tests/unit/lab/review $(IN_RASA:%=--ignore %)
	@$(S)/python -m pytest -q -n 2 --dist loadfile tests/unit tests/contract --ignore tests/unit/bot --ignore tests/unit/lab --ignore tests/unit/ops/encoder
	@$(S)/python -m pytest -q tests/unit/lab/review

stories: install $(MODEL)  ## Rasa's own checks of the training data, and its tests on the trained model
	@$(A)/rasa data validate --data $(TAUGHT_BY) --config config.yml --domain domain.yml 2>&1 | grep -v Warning; exit $${PIPESTATUS[0]}
	@$(A)/rasa test core --model $(MODEL) --stories tests/test_stories.yml --fail-on-prediction-errors --out results 2>&1 | grep -v Warning; exit $${PIPESTATUS[0]}

integration: install $(MODEL) .venv-services/.for-tests  ## Real Rasa, action server, gateway and databases, with real faults
	@$(S)/python -m pytest -q tests/integration

fuzz: install $(MODEL) .venv-services/.for-tests  ## Ten thousand requests nobody would make (minutes): no error, and nothing of them in an answer or a log
	@LANTERN_FUZZ_CASES=$${CASES:-10000} $(S)/python -m pytest -q tests/integration/test_fuzz.py

browser: install $(MODEL) .venv-services/.for-tests node_modules/.for-tests  ## Chromium: widget, console, and the whole journey
	@ops/find_chromium.sh && $(S)/python -m pytest -q tests/e2e

clean:  ## Remove what was made; environments and state stay
	@rm -rf models results reports .pytest_cache .mypy_cache .ruff_cache .rasa

.PHONY: fuzz help install setup train vectors adapt calibrate compare learn verify-audit run screen classify reply evaluate bench chaos test lint types imports content unit stories integration browser clean load pictures
