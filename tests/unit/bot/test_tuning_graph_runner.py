"""Components run after those that they need, each once, and only those that are wanted."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.engine.exceptions import GraphComponentException, GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage

from bot.tuning import SequentialGraphRunner

RUN: list[str] = []


class Joins(GraphComponent):
    """Joins what it is given with its own word."""

    def __init__(self, word: str) -> None:
        self._word = word

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Joins:
        return cls(config["word"])

    def join(self, left: str, right: str = "") -> str:
        RUN.append(self._word)
        return f"({left}{right}{self._word})"


def node(word: str, **needs: str) -> SchemaNode:
    return SchemaNode(needs, Joins, "create", "join", {"word": word}, eager=True)


SCHEMA = GraphSchema(
    {
        "last": node("d", left="left", right="right"),
        "left": node("b", left="first"),
        "right": node("c", left="first"),
        "first": node("a", left="__message__"),
        "unwanted": node("x", left="first"),
    }
)


def runner(kind: type[GraphRunner] = SequentialGraphRunner, schema: GraphSchema = SCHEMA) -> Any:
    RUN.clear()
    return kind.create(schema, None, ExecutionContext(schema))


@pytest.mark.parametrize("targets", [["last"], ["left"], ["left", "unwanted"]])
def test_gives_what_rasas_own_runner_gives(targets):
    given = {"__message__": "m"}

    ours = runner().run(given, targets)
    assert ours == runner(DaskGraphRunner).run(given, targets)


def test_each_component_runs_once_and_only_if_it_is_needed():
    assert runner().run({"__message__": "m"}, ["last"]) == {"last": "(((ma)b)((ma)c)d)"}
    assert sorted(RUN) == ["a", "b", "c", "d"]


def test_a_second_run_takes_the_new_input():
    made = runner()
    made.run({"__message__": "m"}, ["left"])

    assert made.run({"__message__": "n"}, ["left"]) == {"left": "((na)b)"}


def test_a_failing_component_fails_the_run_as_with_rasa():
    broken = GraphSchema({"first": node("a", left="__message__", middle="__message__")})

    for kind in (SequentialGraphRunner, DaskGraphRunner):
        with pytest.raises(GraphComponentException):
            runner(kind, broken).run({"__message__": "m"}, ["first"])


def test_an_input_may_not_have_the_name_of_a_component():
    with pytest.raises(GraphRunError):
        runner().run({"first": "m"}, ["left"])


def test_a_circle_is_refused():
    circle = GraphSchema({"a": node("a", left="b"), "b": node("b", left="a")})

    with pytest.raises(GraphRunError, match="circle"):
        runner(schema=circle).run({}, ["a"])
