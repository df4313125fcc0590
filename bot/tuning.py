"""Makes Rasa 3.6.21 light: does once what Rasa repeats for every message, and loads less.

Each change replaces one attribute of Rasa and changes no answer. tests/unit/bot/test_tuning.py
fails when another version of Rasa has other internals. `tune` is called when Rasa makes its
channels: once in a server, before it loads a model. Training and `rasa test` run Rasa unchanged.
One change has to come before Rasa is imported: it is in `__main__.py`.
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
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelMetadata, ModelStorage
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from threadpoolctl import threadpool_limits

_SITUATIONS = 2_000
"""How many situations the rule cache holds."""


def tune() -> None:
    """Apply every change. A second call changes nothing."""
    # Between messages OpenBLAS' threads spin: one is as quick and takes half the processor.
    threadpool_limits(limits=1, user_api="blas")
    rasa.core.processor.DaskGraphRunner = SequentialGraphRunner
    RemoteAction._validate_action_result = _validator()
    RulePolicy._find_action_from_rules = _find_action_from_rules
    RulePolicy._get_possible_keys = _get_possible_keys
    EndpointConfig.session = _session
    ModelMetadata.from_dict = classmethod(_metadata)
    DomainProvider.load = classmethod(_provider)


# ---- the graph -----------------------------------------------------------------------------------
class SequentialGraphRunner(GraphRunner):
    """Runs the graph of a loaded model in an order that is computed once for each set of targets.

    Rasa's own runner gives the graph to dask for every message and every prediction: dask sorts it
    again and runs it in one thread, which takes longer than our policies take to predict.
    """

    def __init__(self, schema: GraphSchema, nodes: dict[str, GraphNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        self._orders: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,
    ) -> SequentialGraphRunner:
        nodes = {
            name: GraphNode.from_schema_node(name, node, model_storage, execution_context, hooks)
            for name, node in graph_schema.nodes.items()
        }
        return cls(graph_schema, nodes)

    def run(
        self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
    ) -> dict[str, Any]:
        """Return each target's output. Raises GraphRunError when an input has a node's name."""
        wanted = tuple(targets or self._schema.target_names)
        named = dict(inputs or {})
        if clash := self._nodes.keys() & named.keys():
            raise GraphRunError(f"inputs with the names of nodes: {sorted(clash)}")
        outputs: dict[str, tuple[str, Any]] = {name: (name, value) for name, value in named.items()}
        for name, needs in self._order(wanted):
            outputs[name] = self._nodes[name](*(outputs[need] for need in needs))
        return {name: outputs[name][1] for name in wanted}

    def _order(self, targets: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        """Return the nodes that the targets need, each after those it needs, with their needs."""
        if targets not in self._orders:
            order: dict[str, tuple[str, ...]] = {}
            for target in targets:
                self._visit(target, order, ())
            self._orders[targets] = list(order.items())
        return self._orders[targets]

    def _visit(self, name: str, order: dict[str, tuple[str, ...]], under: tuple[str, ...]) -> None:
        if name in order or name not in self._nodes:
            return  # done already, or an input of the run
        if name in under:
            raise GraphRunError(f"a circle of nodes: {[*under, name]}")
        needs = tuple(self._schema.nodes[name].needs.values())
        for need in needs:
            self._visit(need, order, (*under, name))
        order[name] = needs


# ---- the answer of an action ---------------------------------------------------------------------
def _validator() -> Any:
    """Return a validator of answers that checks the schema itself once.

    Rasa calls `jsonschema.validate`, which checks the schema before each answer: 20 ms an action.
    Answers are checked by the same schema as before.
    """
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
    """Skip Rasa's first search, for a rule that begins with the very words of the message.

    Without a rule that holds words it finds none, and so no words get into the cache below.
    """
    if use_text_for_last_user_input and not any('"text"' in key for key in self.lookup[RULES]):
        return None, None, False
    return _rasas_find(self, tracker, domain, use_text_for_last_user_input)


def _get_possible_keys(
    self: RulePolicy, lookup: dict[str, str], states: list[dict[str, Any]]
) -> set[str]:
    """Cache the rules that fit by the states: intents, names of entities and actions.

    Rasa compares every rule with every state of the conversation, for every prediction.
    """
    if self not in _kept:
        _kept[self] = LRUCache(_SITUATIONS)
    kept = _kept[self]
    situation = (id(lookup), *map(DialogueStateTracker.freeze_current_state, states))
    if situation not in kept:
        kept[situation] = _rasas_keys(self, lookup, states)
    return kept[situation]


# ---- the connection to the action server ---------------------------------------------------------
class _Kept:
    """An aiohttp session that stays open after the `async with` in which Rasa would close it."""

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
    """Keep one session; Rasa opens one, and a connection, for every call of an action."""
    kept: _Kept | None = self.__dict__.get("_kept_session")
    if kept is None or kept.session.closed:
        made = _rasas_session(self)
        made._json_serialize = _as_json
        kept = self._kept_session = _Kept(made)
    return kept


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    """Return the plain value of a NumPy number or string."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


# ---- the model -----------------------------------------------------------------------------------
_rasas_metadata = ModelMetadata.from_dict.__func__


def _metadata(cls: type[ModelMetadata], serialized: dict[str, Any]) -> ModelMetadata:
    """Leave out the training graph: Rasa would import its components, and TensorFlow with them."""
    read: ModelMetadata = _rasas_metadata(cls, {**serialized, "train_schema": {"nodes": {}}})
    _domains.append(read.domain)
    return read


_domains: deque[Domain] = deque(maxlen=1)
"""The domain of the model that Rasa is loading."""
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
    """Reuse the domain in the model's metadata.

    Rasa reads it a second time, as YAML in pure Python, and checks it against a schema, which takes
    half of the time that the model takes to load.
    """
    if _domains:
        return cls(model_storage, resource, domain=_domains[0])
    rasas: DomainProvider = _rasas_provider(
        cls, config, model_storage, resource, execution_context, **kwargs
    )
    return rasas
