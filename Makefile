# Lantern. `make` lists the commands; `make run` and `make test` work from a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export RASA_TELEMETRY_ENABLED := false
export PYTHONWARNINGS := ignore
export TF_CPP_MIN_LOG_LEVEL := 3
export PYTHONDONTWRITEBYTECODE :=

UV := .tools/bin/uv
A := .venv-assistant/bin
S := .venv-services/bin
L := .venv-lab/bin
LANTERN := python -m lantern
ENCODER := models/mpnet.onnx
ENCODER_OF_DIALOGUE := models/mpnet_dialogue.onnx
ENCODERS := $(ENCODER) $(ENCODER_OF_DIALOGUE)
SECOND_READER_WITHOUT_HELD := models/second_reader_without_held.safetensors
# Its time is that of the last check of models/vectors.safetensors, examples.safetensors and learned.json.
VECTORS := models/.vectors
LEARNED := models/learned.json
RASA_MODEL := models/lantern.tar.gz
MODEL := $(RASA_MODEL)
# Unit tests that need no model and no other program, for `make quick`. Their slowest modules run in `make test` alone.
QUICK := tests/unit/safeguarding/content $(addprefix tests/unit/safeguarding/risk/,lexicon text) tests/unit/staff \
	$(addprefix --ignore tests/unit/,staff/console staff/alerts/channels staff/retention staff/accounts/test_commands.py \
	staff/approvals/test_report.py safeguarding/risk/text/test_normalise.py)
TAUGHT_BY := data/nlu data/rules data/stories
SENTENCES := $(shell find data/risk -name "*.yml")
NLU := $(wildcard data/nlu/*.yml)
READS_TEXT := $(wildcard safeguarding/risk/text/*.py safeguarding/risk/lexicon/reader.py) safeguarding/corpus.py $(wildcard content/risk/*.yml)
# content/articles is listed as a folder, because only a new or a removed article changes the model. data/risk and
# content/risk are not listed: $(LEARNED) holds what Rasa learns from them, and its time changes only with its content.
TRAINED_FROM := config.yml domain.yml $(wildcard $(addprefix safeguarding/answering/,topics.py fitting.py responses.py)) $(filter-out bot/classify.py,$(wildcard bot/*.py)) \
	$(shell find data/rules data/stories -name "*.yml") $(NLU) content/help_card.yml content/articles content/choices.yml \
	$(wildcard content/guides/*.yml content/languages/*.yml)
SET_UP := .venv-services/.synced .venv-assistant/.synced $(ENCODERS) $(VECTORS) staff/console/static/govuk/.built
# Where Rasa cannot be installed: WITHOUT_RASA=1 (docs/adr/0060-the-day-without-rasa.md).
TOPICS := models/topics.safetensors
A_ENCODER := .venv-assistant
EXPORTS = $(A)
ifdef WITHOUT_RASA
export LANTERN_WITHOUT_RASA := true
A_ENCODER := .venv-encoder
EXPORTS = .venv-encoder/bin
MODEL := $(TOPICS)
SET_UP := .venv-services/.synced $(ENCODERS) $(VECTORS) staff/console/static/govuk/.built
endif
# Runs independent steps two at a time.
TWO_AT_A_TIME := $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j2)

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | column -ts $$'\t'

# ---- set-up -------------------------------------------------------------------------------------
# pip compares what it downloads with the hashes in the file.
$(UV): ops/uv-requirements.txt
	@python3 -m venv .tools >&2 && .tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $< >&2 && touch $@

# Installs only the packages that running needs. --inexact keeps those that the tests have added.
.venv-services/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-services $(UV) sync --quiet --locked --inexact --no-default-groups --group services --python 3.11 >&2 && touch $@

.venv-assistant/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-assistant $(UV) sync --quiet --locked --inexact --no-default-groups --group assistant --python 3.10 >&2 && touch $@

# What exports the encoders, without Rasa.
.venv-encoder/.synced: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=.venv-encoder $(UV) sync --quiet --locked --no-default-groups --group encoder --python 3.11 >&2 && touch $@

# Adds the packages for tests and checks, and removes those that the lock no longer names.
.venv-services/.for-tests: .venv-services/.synced
	@UV_PROJECT_ENVIRONMENT=.venv-services $(UV) sync --quiet --locked --group services --group browser --python 3.11 >&2 && touch $@

.venv-assistant/.for-tests: .venv-assistant/.synced
	@UV_PROJECT_ENVIRONMENT=.venv-assistant $(UV) sync --quiet --locked --group assistant --python 3.10 >&2 && touch $@

.venv-lab/.synced: lab/pyproject.toml lab/uv.lock pyproject.toml | $(UV)
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.venv-lab $(UV) sync --quiet --locked --project lab --python 3.11 >&2 && touch $@

BUILDS_ENCODERS := $(addprefix ops/encoder/,encoder.py graph.py) safeguarding/risk/encoder/vectors.py $(A_ENCODER)/.synced

$(ENCODER): artifacts/adapter.safetensors $(BUILDS_ENCODERS)
	@$(EXPORTS)/$(LANTERN) export-encoder >&2 && touch $@

# The other encoder goes first, because both unpack the published weights.
$(ENCODER_OF_DIALOGUE): artifacts/dialogue_adapter.safetensors $(BUILDS_ENCODERS) | $(ENCODER)
	@$(EXPORTS)/$(LANTERN) export-encoder dialogue >&2 && touch $@

# Encodes only sentences that are in neither models/ nor artifacts/, so listing more sources than necessary costs little.
$(VECTORS): $(ENCODER) ops/encoder/vectors.py $(READS_TEXT) $(SENTENCES) $(NLU) \
		safeguarding/risk/encoder/kept_vectors.py safeguarding/risk/encoder/classifier.py .venv-services/.synced
	@$(S)/$(LANTERN) export-vectors >&2 && touch $@

# $(VECTORS) writes the file. The recipe makes `make` read the file's time again.
$(LEARNED): $(VECTORS)
	@test -f $@

staff/console/static/govuk/.built: package-lock.json ops/build_static.py .venv-services/.synced
	@$(S)/$(LANTERN) build-static >&2 && touch $@

# The npm packages that only tests need.
node_modules/.for-tests: package-lock.json staff/console/static/govuk/.built
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && touch $@

install: $(SET_UP)  ## Install both environments, the encoder, the vectors of our sentences and the console's styles

setup: install  ## Create secrets, the database and the first staff accounts (prints their passwords once)
	@$(S)/$(LANTERN) setup

$(TOPICS): $(LEARNED) $(NLU) config.yml safeguarding/answering/topics.py safeguarding/answering/fitting.py .venv-services/.synced
	@$(S)/$(LANTERN) train-topics >&2 && touch $@

topics: $(TOPICS)  ## Train the classifier of topics for a gateway without Rasa

# Validation is skipped here because `make stories` does it.
$(RASA_MODEL): $(TRAINED_FROM) $(LEARNED) .venv-assistant/.synced
	@$(A)/rasa train --skip-validation --fixed-model-name lantern --out models --data $(TAUGHT_BY) --config config.yml --domain domain.yml 2>&1 \
		| stdbuf -oL tr '\r' '\n' | grep --line-buffered -E 'training|trained|Error|rror:|onflict|ontradict' >&2; exit $${PIPESTATUS[0]}
	@touch $@

train: $(MODEL) $(VECTORS)  ## Build the encoder, sentence vectors, nearest examples and Rasa model where their sources have changed

# Needs $(ENCODER) because building it unpacks the published weights, from which training starts.
adapt: .venv-lab/.synced .venv-services/.synced $(ENCODER)  ## Train the encoder again from data/risk and data/nlu (some hours on two cores; resumable), then calibrate
	@$(L)/$(LANTERN) adapt
	@$(MAKE) calibrate vectors dialogue-model

vectors: .venv-services/.synced $(ENCODER)  ## Write artifacts/vectors.safetensors again: after some 2,000 new sentences, or when a test asks for it
	@$(S)/$(LANTERN) export-vectors --ship && touch $(VECTORS)

calibrate: .venv-lab/.synced $(ENCODERS)  ## Calculate probabilities and thresholds from the development sentences and chats
	@$(L)/$(LANTERN) calibrate

# Like `adapt`, it trains from the published weights, which the building of $(ENCODER) unpacks.
adapt-dialogue: .venv-lab/.synced $(ENCODER)  ## Train the encoder of the dialogue again from content/replies, data/dialogues and data/risk (an hour or two; resumable), then the second reader, thresholds and the choice of replies
	@$(L)/$(LANTERN) adapt-dialogue
	@$(MAKE) second-reader

second-reader: .venv-lab/.synced $(ENCODERS)  ## Train the second reader of the risk engine again (under half an hour), then calibrate, then the choice of replies
	@$(L)/$(LANTERN) second-reader
	@$(MAKE) calibrate
	@$(MAKE) dialogue-model

# Only the choice of replies uses it. Most of its texts are encoded already after `make second-reader`.
$(SECOND_READER_WITHOUT_HELD): artifacts/second_reader.safetensors .venv-lab/.synced $(ENCODERS)
	@$(L)/$(LANTERN) second-reader --without-held

dialogue-model: .venv-lab/.synced $(ENCODERS) $(SECOND_READER_WITHOUT_HELD)  ## Train the choice of replies from content/replies and data/dialogues (some minutes)
	@$(L)/$(LANTERN) train-dialogue

dialogues: .venv-lab/.synced $(ENCODERS)  ## Rank the replies to each turn of the test conversations, and print how many are right
	@$(L)/$(LANTERN) dialogues

compare: .venv-lab/.synced $(ENCODER)  ## Compare other models on the same sentences, in one table
	@$(L)/$(LANTERN) compare

peers: .venv-lab/.synced $(ENCODER) $(VECTORS)  ## Compare Lantern with other systems on public sets, in one table: results/peers.json
	@$(L)/$(LANTERN) peers

# ---- run ----------------------------------------------------------------------------------------
run:  ## Start everything on this machine and print where to click; WITHOUT_RASA=1 starts it without Rasa
	@$(TWO_AT_A_TIME) $(SET_UP) $(MODEL)
	@$(S)/$(LANTERN) setup --rota
	@LANTERN_CONSOLE_INSECURE_COOKIES=$${LANTERN_CONSOLE_INSECURE_COOKIES:-true} $(S)/$(LANTERN) supervise --once ready

screen: .venv-services/.synced $(ENCODER) $(VECTORS)  ## Print the risk of each line {"id","text","history"?} on standard input
	@$(S)/$(LANTERN) screen

reply: install $(MODEL)  ## Print the replies of the whole stack to each line {"id","turns","audience"?} on standard input
	@$(S)/$(LANTERN) reply

classify: .venv-assistant/.synced $(MODEL)  ## Print the intent and topic of each line {"id","text"} on standard input
	@$(A)/$(LANTERN) classify

learn: .venv-lab/.synced  ## List verdicts of staff that have no example yet; ID=<escalation> turns one into an example
	@$(L)/$(LANTERN) learn $(ID)

doctor: .venv-services/.synced  ## Say what is missing before young people may write here: settings, second steps, rota, signing plan and more
	@$(S)/$(LANTERN) doctor

verify-audit: .venv-services/.synced  ## Prove that audit trail and records are complete, or name what is not
	@$(S)/$(LANTERN) verify-audit

evaluate: install .venv-lab/.synced $(MODEL)  ## Write the evaluation report: every aim, on messages that were not used for training
	@$(L)/$(LANTERN) evaluate

bench: install .venv-lab/.synced $(MODEL)  ## Measure latency, throughput, memory and processor time beside a stock Rasa project, stage by stage
	@$(L)/$(LANTERN) bench && $(L)/$(LANTERN) plot-bench

load: install .venv-lab/.synced $(MODEL)  ## Simulate 200 people who chat for 5 minutes, then two, five and ten times the messages that can be answered
	@$(L)/$(LANTERN) load

pictures: install .venv-lab/.synced $(MODEL)  ## Take pictures of the chat and the console in each state, at two sizes, light and dark: results/pictures
	@ops/find_chromium.sh && $(L)/$(LANTERN) pictures

chaos: install .venv-lab/.synced $(MODEL)  ## Inject faults for CHAOS_SECONDS (720), then into CHAOS_LIVE (200) live chats; count what is lost, doubled, unread; CHAOS_SEED repeats a run
	@$(L)/$(LANTERN) chaos

soak: install .venv-lab/.synced $(MODEL)  ## Chat for SOAK_SECONDS (3600) with restarts: is anything lost, and do memory, descriptors and rows level off? SOAK_MESSAGES: 20000
	@$(L)/$(LANTERN) soak

# ---- check --------------------------------------------------------------------------------------
test: lint types imports content unit stories integration browser  ## Run all checks and tests

quick: .venv-services/.for-tests  ## Check style, types of what you changed, and unit tests of the core and of staff, in a minute and without a model
	@$(S)/ruff check . && $(S)/ruff format --check --quiet .
	@changed=$$(git diff --name-only --diff-filter=d HEAD -- '*.py'; git ls-files --others --exclude-standard -- '*.py'); \
		changed=$$(echo "$$changed" | grep -vE '^(bot|tests/unit/bot)/'); [ -z "$$changed" ] || $(S)/mypy $$changed
	@$(S)/python -m pytest -q -n 2 --dist loadfile -k "not postgresql" $(QUICK)

lint: .venv-services/.for-tests  ## Check the style of the code and of YAML, the words of the documents and the lock files
	@$(UV) lock --quiet --locked && $(UV) lock --quiet --locked --project lab
	@$(S)/ruff check . && $(S)/ruff format --check --quiet . && $(S)/yamllint --strict .
	@$(S)/codespell --dictionary - --dictionary docs/plain-words.txt README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md docs deploy security

types: .venv-services/.for-tests .venv-assistant/.for-tests  ## Check types with mypy (strict except for tests), each room in its environment
	@$(S)/mypy lantern.py safeguarding storage actions chat staff web ops lab tests --exclude tests/unit/bot/ && $(A)/mypy bot tests/unit/bot

imports: .venv-services/.for-tests  ## Check the import contracts
	@$(S)/lint-imports --no-cache | tail -12; exit $${PIPESTATUS[0]}

content: .venv-services/.synced  ## List every problem of the content, what is due for review and what is signed
	@$(S)/$(LANTERN) check-content; wrong=$$?; $(S)/$(LANTERN) approvals; exit $$wrong

unit: install $(MODEL) .venv-services/.for-tests .venv-assistant/.for-tests .venv-lab/.synced  ## Run unit and contract tests, each in its environment
	@$(A)/python -m pytest -q tests/unit/bot tests/unit/ops/encoder lab/tests/in_product & bot=$$!; \
		$(L)/python -m pytest -q lab/tests --ignore lab/tests/in_product; lab=$$?; wait $$bot && exit $$lab
	@$(S)/python -m pytest -q -n 3 --dist loadfile tests/unit tests/contract lab/tests/in_product/test_stages.py --ignore tests/unit/bot --ignore tests/unit/ops/encoder

stories: install $(MODEL)  ## Run Rasa's checks of the training data and its tests of the trained model
	@$(A)/rasa data validate --data $(TAUGHT_BY) --config config.yml --domain domain.yml 2>&1 | grep -v Warning; exit $${PIPESTATUS[0]}
	@$(A)/rasa test core --model $(MODEL) --stories tests/test_stories.yml --fail-on-prediction-errors --out results 2>&1 | grep -v Warning; exit $${PIPESTATUS[0]}

integration: install $(MODEL) $(TOPICS) .venv-services/.for-tests  ## Test real Rasa, action server, gateway and databases, with real faults
	@$(S)/python -m pytest -q -n 3 --dist loadfile tests/integration

fuzz: install $(MODEL) .venv-services/.for-tests  ## Send ten thousand malformed requests (minutes); no error may occur, no answer or log may quote them, and the work stays bounded
	@LANTERN_FUZZ_CASES=$${CASES:-10000} $(S)/python -m pytest -q tests/unit/safeguarding/risk/test_fuzzed_work.py tests/integration/test_fuzz.py

browser: install $(MODEL) .venv-services/.for-tests node_modules/.for-tests  ## Test widget, console and the whole journey in Chromium; what fails runs once more, and is named
	@ops/find_chromium.sh && $(S)/python -m pytest -q -n 2 --dist loadfile --reruns 1 -r R tests/e2e

clean:  ## Remove build results; keep environments and state
	@rm -rf models results reports .pytest_cache .mypy_cache .ruff_cache .rasa

.PHONY: topics quick fuzz help install setup train vectors adapt adapt-dialogue second-reader calibrate dialogue-model dialogues compare peers learn doctor verify-audit run screen classify reply evaluate bench chaos soak test lint types imports content unit stories integration browser clean load pictures
