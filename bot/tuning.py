"""What Rasa 3.6.21 does anew for every message, done once; and what a server need not load.

Each change replaces one attribute of Rasa's, says why, and changes no answer.
tests/unit/bot/test_tuning.py fails when another version of Rasa has other insides. `tune` is called
where Rasa makes its channels: once, in a server, before it loads a model. Training and `rasa test`
run Rasa as it comes. One change must come before Rasa is imported: it stands in `__main__.py`.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import msgspec
import numpy as np
import rasa.core.processor
from cachetools import LRUCache
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.engine.graph import ExecutionContext
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelMetadata, ModelStorage
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from threadpoolctl import threadpool_limits

from bot.graph_runner import SequentialGraphRunner

_SITUATIONS = 2_000
"""Situations of which the rules that fit are remembered."""


def tune() -> None:
    """Do all of it. Doing it again changes nothing."""
    # Between messages OpenBLAS' threads spin: one is as quick and takes half the processor.
    threadpool_limits(limits=1, user_api="blas")
    rasa.core.processor.DaskGraphRunner = SequentialGraphRunner
    RemoteAction._validate_action_result = _validator()
    RulePolicy._find_action_from_rules = _find_action_from_rules
    RulePolicy._get_possible_keys = _get_possible_keys
    EndpointConfig.session = _session
    ModelMetadata.from_dict = classmethod(_metadata)
    DomainProvider.load = classmethod(_provider)


# ---- the answer of an action ---------------------------------------------------------------------
def _validator() -> Any:
    """Rasa calls `jsonschema.validate`, which first proves that the schema itself is sound: 20 ms
    an action. The answers are checked as before, by the same schema."""
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    return validate


# ---- the rules -----------------------------------------------------------------------------------
_rasas_find = RulePolicy._find_action_from_rules
_rasas_keys = RulePolicy._get_possible_keys
_kept: WeakKeyDictionary[RulePolicy, LRUCache[Any, set[str]]] = WeakKeyDictionary()


def _find_action_from_rules(
    self: RulePolicy,
    tracker: DialogueStateTracker,
    domain: Domain,
    use_text_for_last_user_input: bool,  # noqa: FBT001 - Rasa's signature
) -> Any:
    """Rasa looks twice, first for a rule that begins with the very words of the message. Where no
    rule holds words there is none; and so no words are in what is remembered below."""
    if use_text_for_last_user_input and not any('"text"' in key for key in self.lookup[RULES]):
        return None, None, False
    return _rasas_find(self, tracker, domain, use_text_for_last_user_input)


def _get_possible_keys(
    self: RulePolicy, lookup: dict[str, str], states: list[dict[str, Any]]
) -> set[str]:
    """Rasa holds every rule against every state of the conversation, for every prediction. Here the
    rules that fit are remembered by the states: intents, names of entities and actions."""
    if self not in _kept:
        _kept[self] = LRUCache(_SITUATIONS)
    kept = _kept[self]
    situation = (id(lookup), *map(DialogueStateTracker.freeze_current_state, states))
    if situation not in kept:
        kept[situation] = _rasas_keys(self, lookup, states)
    return kept[situation]


# ---- the connection to the action server ---------------------------------------------------------
class _Kept:
    """A session of aiohttp's that outlives the `async with` in which Rasa would close it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def __aenter__(self) -> aiohttp.ClientSession:
        return self.session

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it open for the next call."""


_rasas_session = EndpointConfig.session


def _session(self: EndpointConfig) -> _Kept:
    """Rasa opens a session, and with it a connection, for every call of an action."""
    kept: _Kept | None = self.__dict__.get("_kept_session")
    if kept is None or kept.session.closed:
        made = _rasas_session(self)
        made._json_serialize = _as_json
        kept = self._kept_session = _Kept(made)
    return kept


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    """What NumPy's numbers and strings are to JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


# ---- the model -----------------------------------------------------------------------------------
_rasas_metadata = ModelMetadata.from_dict.__func__


def _metadata(cls: type[ModelMetadata], serialized: dict[str, Any]) -> ModelMetadata:
    """Rasa imports all by which the model was trained, and with its validators TensorFlow."""
    found: ModelMetadata = _rasas_metadata(cls, {**serialized, "train_schema": {"nodes": {}}})
    _domains.append(found.domain)
    return found


_domains: deque[Domain] = deque(maxlen=1)
"""The domain of the model that is being loaded."""
_rasas_provider = DomainProvider.load.__func__


def _provider(
    cls: type[DomainProvider],
    /,
    config: dict[str, Any],
    model_storage: ModelStorage,
    resource: Resource,
    execution_context: ExecutionContext,
    **kwargs: Any,
) -> DomainProvider:
    """Rasa reads the domain of a model a second time, as YAML in pure Python, and checks it against
    a schema: half of the time that the model takes to load."""
    if _domains:
        return cls(model_storage, resource, domain=_domains[0])
    rasas: DomainProvider = _rasas_provider(
        cls, config, model_storage, resource, execution_context, **kwargs
    )
    return rasas
