"""The changes to Rasa change no answer, and Rasa still has what they replace."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasa.core.processor
from aiohttp import web
from aiohttp.test_utils import TestServer
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelMetadata
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot import tuning
from bot.tuning import SequentialGraphRunner, tune

DOMAIN = Domain.from_dict({"intents": ["greet", "goodbye"], "actions": ["wave", "leave"]})


@pytest.fixture(autouse=True)
def tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tune Rasa, and undo it after the test."""
    for owner, name in (
        (rasa.core.processor, "DaskGraphRunner"),
        (RemoteAction, "_validate_action_result"),
        (RulePolicy, "_find_action_from_rules"),
        (RulePolicy, "_get_possible_keys"),
        (EndpointConfig, "session"),
        (ModelMetadata, "from_dict"),
        (DomainProvider, "load"),
    ):
        monkeypatch.setattr(owner, name, inspect.getattr_static(owner, name))
    tune()


def test_this_is_the_rasa_whose_insides_were_read():
    assert importlib.metadata.version("rasa") == "3.6.21"


def test_what_is_replaced_takes_what_rasa_gives():
    def names(function: Callable[..., Any]) -> list[str]:
        return list(inspect.signature(function).parameters)

    assert names(tuning._find_action_from_rules) == names(tuning._rasas_find)
    assert names(tuning._get_possible_keys) == names(tuning._rasas_keys)
    assert names(tuning._session) == names(tuning._rasas_session)
    source = inspect.getsource(rasa.core.processor.MessageProcessor._load_model)
    assert "DaskGraphRunner" in source
    assert "self._validate_action_result(response)" in inspect.getsource(RemoteAction.run)
    assert "async with self.session() as session" in inspect.getsource(EndpointConfig.request)


def test_models_are_run_in_sequence():
    assert rasa.core.processor.DaskGraphRunner is SequentialGraphRunner


# ---- the answer of an action ---------------------------------------------------------------------
def test_a_sound_answer_passes():
    answer = {"events": [], "responses": [{"text": "hi"}]}

    assert RemoteAction("action_answer", None)._validate_action_result(answer)


@pytest.mark.parametrize("answer", [{"events": "none"}, {"events": [{"event": 5}]}, []])
def test_a_malformed_answer_is_refused(answer):
    with pytest.raises(ValidationError):
        RemoteAction("action_answer", None)._validate_action_result(answer)


# ---- the rules -----------------------------------------------------------------------------------
def rule(intent: str, action: str) -> str:
    states = [{"prev_action": {"action_name": "action_listen"}, "user": {"intent": intent}}]
    return json.dumps(states)


def policy(folder: Path, rules: dict[str, str]) -> RulePolicy:
    config = RulePolicy.get_default_config()
    context = ExecutionContext(GraphSchema({}), node_name="rules")
    lookup = {RULES: rules, "rules_for_loop_unhappy_path": {}, "rules_not_in_stories": []}
    return RulePolicy(config, LocalModelStorage(folder), Resource("r"), context, lookup=lookup)


def said(intent: str, text: str = "x") -> DialogueStateTracker:
    message = UserUttered(text, {"name": intent, "confidence": 1.0})
    return DialogueStateTracker.from_events("c", [ActionExecuted("action_listen"), message])


def action_of(rules: RulePolicy, tracker: DialogueStateTracker) -> str:
    found = rules.predict_action_probabilities(tracker, DOMAIN, rule_only_data={})
    return str(DOMAIN.action_names_or_texts[int(np.argmax(found.probabilities))])


def test_each_situation_gets_the_rule_that_fits_it_the_second_time_too(tmp_path):
    rules = policy(tmp_path, {rule("greet", ""): "wave", rule("goodbye", ""): "leave"})

    for _ in range(2):
        assert action_of(rules, said("greet")) == "wave"
        assert action_of(rules, said("goodbye")) == "leave"


def test_no_words_are_remembered(tmp_path):
    rules = policy(tmp_path, {rule("greet", ""): "wave"})
    action_of(rules, said("greet", "my uncle hurts me"))

    assert len(tuning._kept[rules]) == 1
    assert "uncle" not in repr(list(tuning._kept[rules].items()))


def test_another_policy_remembers_for_itself(tmp_path):
    first = policy(tmp_path, {rule("greet", ""): "wave"})
    second = policy(tmp_path, {rule("greet", ""): "leave"})

    assert [action_of(each, said("greet")) for each in (first, second)] == ["wave", "leave"]


# ---- the connection to the action server ---------------------------------------------------------
async def test_two_calls_share_a_connection_and_numpys_values_are_json():
    peers = []

    async def answer(request: web.Request) -> web.Response:
        peers.append(request._transport_peername)
        return web.json_response(await request.json())

    app = web.Application()
    app.router.add_post("/webhook", answer)
    body = {"name": np.str_("greet"), "confidence": np.float64(0.5), "count": np.int64(3)}
    async with TestServer(app) as server:
        endpoint = EndpointConfig(str(server.make_url("/webhook")))
        answers = [await endpoint.request(json=body) for _ in range(2)]
        await endpoint.session().session.close()

    assert answers == [{"name": "greet", "confidence": 0.5, "count": 3}] * 2
    assert len(set(peers)) == 1


# ---- the model -----------------------------------------------------------------------------------
def test_what_trained_the_model_is_not_imported():
    nodes = {"x": {"needs": {}, "uses": "no.such.Trainer", "constructor_name": "create", "fn": "f",
                   "config": {}}}  # fmt: skip
    found = ModelMetadata.from_dict(
        {
            "trained_at": "2026-11-27T08:00:00",
            "rasa_open_source_version": "3.6.21",
            "model_id": "m",
            "domain": DOMAIN.as_dict(),
            "train_schema": {"nodes": nodes},
            "predict_schema": {"nodes": {}},
            "training_type": 3,
            "project_fingerprint": "f",
            "core_target": None,
            "nlu_target": None,
            "language": "en",
        }
    )

    assert found.train_schema.nodes == {}
    provider = DomainProvider.load({}, None, Resource("domain_provider"), None)
    assert provider.provide_inference().as_dict() == DOMAIN.as_dict()


def test_the_domain_of_a_model_is_the_one_that_rasa_reads_a_second_time(tmp_path):
    storage, resource = LocalModelStorage(tmp_path), Resource("domain_provider")
    whole = Domain.load("domain.yml")
    DomainProvider(storage, resource)._persist(whole)

    again = tuning._rasas_provider(DomainProvider, {}, storage, resource, None)
    assert again.provide_inference().as_dict() == Domain.from_dict(whole.as_dict()).as_dict()
