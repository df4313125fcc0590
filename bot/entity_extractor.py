"""Finds the area, the story or the tool that a message names, by the words of the content.

A new council, story or tool therefore needs only its file in content/, and no list in data/nlu.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

from bot.composition import content

Vocabulary = Mapping[str, Mapping[str, Iterable[str]]]
"""The words that name each value, by entity and value."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class ContentEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Finds at most one area, one story and one tool in a message: the one with the longest name.

    A message can name two tools ("report on snapchat"): the longer name is the more exact one.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._patterns = {
            name: [
                (value, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE))
                for word, value in sorted(_by_word(values), key=lambda pair: -len(pair[0]))
            ]
            for name, values in vocabulary.items()
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ContentEntityExtractor:
        return cls(vocabulary())

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if found := self._found(message.get(TEXT) or ""):
                known = message.get(ENTITIES) or []
                message.set(ENTITIES, [*known, *found], add_to_output=True)
        return messages

    def _found(self, text: str) -> list[dict[str, Any]]:
        found = []
        for name, patterns in self._patterns.items():
            for value, pattern in patterns:
                if match := pattern.search(text):
                    found.append(
                        {
                            ENTITY_ATTRIBUTE_TYPE: name,
                            ENTITY_ATTRIBUTE_VALUE: value,
                            ENTITY_ATTRIBUTE_START: match.start(),
                            ENTITY_ATTRIBUTE_END: match.end(),
                        }
                    )
                    break
        return found


def vocabulary() -> Vocabulary:
    """Return the words that the content lists. Raises ContentError."""
    read = content()
    return {
        "area": {area: record.words for area, record in read.areas.items()},
        "story": {id_: story.front.words or [] for id_, story in read.stories.all().items()},
        "tool": {id_: tool.front.words or [] for id_, tool in read.tools.all().items()},
    }


def _by_word(values: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    return [(word, value) for value, words in values.items() for word in words]
