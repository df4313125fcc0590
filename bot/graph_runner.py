"""Runs Rasa's graph one component after the other."""

from __future__ import annotations

from typing import Any

from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelStorage


class SequentialGraphRunner(GraphRunner):
    """The graph of a loaded model, in an order that was found once for each set of targets.

    Rasa's own runner hands the graph to dask for every message and every prediction: dask orders it
    anew and runs it in one thread, which takes longer than our policies take to predict.
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
        """What each target gives. Raises GraphRunError when an input has a node's name."""
        wanted = tuple(targets or self._schema.target_names)
        given = dict(inputs or {})
        if clash := self._nodes.keys() & given.keys():
            raise GraphRunError(f"inputs with the names of nodes: {sorted(clash)}")
        outputs: dict[str, tuple[str, Any]] = {name: (name, value) for name, value in given.items()}
        for name, needs in self._order(wanted):
            outputs[name] = self._nodes[name](*(outputs[need] for need in needs))
        return {name: outputs[name][1] for name in wanted}

    def _order(self, targets: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        """The nodes that the targets need, each after those that it needs, with their needs."""
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
