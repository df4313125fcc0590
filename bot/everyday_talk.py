"""Everyday talk as Rasa's examples of what is out of scope, read from data/risk.

config.yml names this importer, and Rasa loads it when it trains: a running server never does.
"""

from __future__ import annotations

from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from safeguarding.corpus.reader import everyday, read_examples

INTENT = "out_of_scope"


class EverydayTalk(TrainingDataImporter):
    """Adds the harmless training sentences that no answer of ours is about.

    Written once, to teach what is no risk, they also teach what is no question to us. It stands
    beside the importer that reads data/nlu, and knows no domain, stories or configuration.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        """The paths are those of the other importers; nothing is read from them."""

    def get_domain(self) -> Domain:
        return Domain.empty()

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        return StoryGraph([])

    def get_config(self) -> dict[str, Any]:
        return {}

    def get_config_file_for_auto_config(self) -> str | None:
        return None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        texts = everyday(read_examples())
        return TrainingData([Message.build(text=text, intent=INTENT) for text in texts])
