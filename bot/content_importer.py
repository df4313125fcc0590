"""Importers of Rasa's training: topics and help cards of content/, everyday talk of data/risk.

config.yml names them; Rasa loads them when it trains, never in a running server. What they give is
part of the trained model, so a help card needs no action server, database or network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.shared.constants import LATEST_TRAINING_DATA_FORMAT_VERSION
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import RuleStep, StoryGraph
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.message import Message as RasaMessage
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.common import cached_method

from safeguarding.answering.responses import responses
from safeguarding.content.reader import read_content
from safeguarding.risk.encoder.kept_vectors import read_everyday
from safeguarding.taxonomy import CONTENT, TOPIC_PREFIX

OUT_OF_SCOPE = "out_of_scope"


class ContentImporter(RasaFileImporter):
    """Reads Rasa's files and adds an intent and a rule for each article, and the help cards.

    A topic that has a rule in data/rules gets no other. Examples stay in data/nlu.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        content_folder: Path = CONTENT,
    ) -> None:
        """Rasa gives the first three arguments. Raises ContentError for unsound content."""
        super().__init__(config_file, domain_path, training_data_paths)
        self._content = read_content(content_folder)
        self._intents = [TOPIC_PREFIX + topic for topic in self._content.articles.all()]

    @cached_method
    def get_domain(self) -> Domain:
        added = {"intents": self._intents, "responses": responses(self._content)}
        return super().get_domain().merge(Domain.from_dict(added))

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        graph = super().get_stories(exclusion_percentage)
        with_rule = {
            event.intent_name
            for step in graph.story_steps
            if isinstance(step, RuleStep)
            for event in step.events
            if isinstance(event, UserUttered)
        }
        rules = [
            {"rule": f"Answer {intent}", "steps": [{"intent": intent}, {"action": "action_answer"}]}
            for intent in self._intents
            if intent not in with_rule
        ]
        parsed = {"version": LATEST_TRAINING_DATA_FORMAT_VERSION, "rules": rules}
        reader = YAMLStoryReader(self.get_domain())
        return graph.merge(StoryGraph(reader.read_from_parsed_yaml(parsed)))


class EverydayTalk(TrainingDataImporter):
    """Adds harmless sentences of data/risk as examples of the intent `out_of_scope`.

    They were written to teach what is no risk, and also teach what is no question to Lantern. The
    set-up writes them to models/learned.json, because reading the whole corpus takes long.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        """Take the arguments of every importer; this one reads nothing from them."""

    def get_domain(self) -> Domain:
        return Domain.empty()

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        return StoryGraph([])

    def get_config(self) -> dict[str, Any]:
        return {}

    def get_config_file_for_auto_config(self) -> str | None:
        return None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        return TrainingData(
            [RasaMessage.build(text=text, intent=OUT_OF_SCOPE) for text in read_everyday()]
        )
