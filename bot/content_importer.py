"""What the content gives the Rasa model: topics as intents with their rules, and the help cards.

config.yml names this importer, and Rasa loads it when it trains: a running server never does. What
it gives is inside the trained model, so a help card needs no action server, database or network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.shared.constants import LATEST_TRAINING_DATA_FORMAT_VERSION
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import RuleStep, StoryGraph
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.utils.common import cached_method

from bot.context import HELP, language_key
from safeguarding.content.languages import ID as LANGUAGE_CARD
from safeguarding.content.reader import Content, read_content
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.messages import Message
from safeguarding.taxonomy import CONTENT, TOPIC_PREFIX, Severity


class ContentImporter(RasaFileImporter):
    """Rasa's reader of files, with an intent and a rule more for each article, and the help cards.

    A topic for which data/rules has a rule of its own gets no other. Examples stay in data/nlu.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        content_folder: Path = CONTENT,
    ) -> None:
        """The first three come from Rasa. Raises ContentError when the content is not sound."""
        super().__init__(config_file, domain_path, training_data_paths)
        self._content = read_content(content_folder)
        self._intents = [TOPIC_PREFIX + topic for topic in self._content.articles.all()]

    @cached_method
    def get_domain(self) -> Domain:
        found = {"intents": self._intents, "responses": responses(self._content)}
        return super().get_domain().merge(Domain.from_dict(found))

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        graph = super().get_stories(exclusion_percentage)
        written = {
            event.intent_name
            for step in graph.story_steps
            if isinstance(step, RuleStep)
            for event in step.events
            if isinstance(event, UserUttered)
        }
        rules = [
            {"rule": f"Answer {intent}", "steps": [{"intent": intent}, {"action": "action_answer"}]}
            for intent in self._intents
            if intent not in written
        ]
        written_as = {"version": LATEST_TRAINING_DATA_FORMAT_VERSION, "rules": rules}
        reader = YAMLStoryReader(self.get_domain())
        return graph.merge(StoryGraph(reader.read_from_parsed_yaml(written_as)))


def responses(read: Content) -> dict[str, list[dict[str, Any]]]:
    """The help cards and what is said after one, as responses of a Rasa domain.

    The slot `help` names the one that is due; without it (nobody screened the message) there is the
    card for whoever has said nothing.
    """
    cards = read.help_cards
    still = dict(cards.still_by_keys())
    again = {**dict(cards.agains()), **{k: m for k, m in still.items() if k.startswith(DANGER_NOW)}}
    found: dict[str, list[dict[str, Any]]] = {
        "utter_language_card": [
            _variant(
                language_key(code),
                Message(kind="text", topic=LANGUAGE_CARD, text=card.card, lang=code),
            )
            for code, card in read.languages.items()
        ]
    }
    for severity in (Severity.IMMEDIATE, Severity.URGENT, Severity.CONCERN):
        due = {key: card for key, card in cards.by_keys() if card["severity"] == severity.label}
        foreign = {
            language_key(code): {
                **cards.message(severity, None),
                "text": card.card_for(severity),
                "lang": code,
            }
            for code, card in read.languages.items()
        }
        found[f"utter_help_{severity.label}"] = [
            *(_variant(key, message) for key, message in {**due, **again, **foreign}.items()),
            {"custom": cards.message(severity, None)},
        ]
    found["utter_still_here"] = [
        *(_variant(key, message) for key, message in still.items()),
        {"custom": cards.still_here(ConversationState())},
    ]
    return found


def _variant(key: str, message: Any) -> dict[str, Any]:
    """What is shown when the slot `help` holds this key."""
    return {"condition": [{"type": "slot", "name": HELP, "value": key}], "custom": message}
