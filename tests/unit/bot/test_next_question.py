"""What is asked next: how likely a message is each follow-up, and that nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.next_question import NEXT, NextQuestion
from bot.nlu import SentenceFeaturizer
from tests.content import real_content

CONTEXT = ExecutionContext(GraphSchema({}), node_name="test")
SCALE = 4.0
SMALL_TALK = "data/nlu/small_talk.yml"
SOME = 4
"""Each so many-th example of small talk is learned from: all of them would take long."""
FOLLOW_UPS = set(real_content().follow_ups.all())
NOTHING_LIKE_THEM = ["hiya", "thanks a lot", "do you like football", "nice one cheers"]


def tokenizer() -> WhitespaceTokenizer:
    return WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())


def featurizer(scale: float = SCALE) -> SentenceFeaturizer:
    config = {**SentenceFeaturizer.get_default_config(), "sentence_scale": scale}
    return SentenceFeaturizer("test", config)


def message(text: str, scale: float = SCALE) -> Message:
    """Make a message as the pipeline passes it on, understood as a greeting."""
    made = Message({TEXT: text, INTENT: {"name": "greet", "confidence": 0.9}})
    featurizer(scale).process(tokenizer().process([made]))
    return made


def untrained(folder: Path) -> NextQuestion:
    return NextQuestion.create({}, LocalModelStorage(folder), Resource("test"), CONTEXT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the trained component keeps what it learned."""
    made: Path = tmp_path_factory.mktemp("model")
    return made


@pytest.fixture(scope="module")
def trained(folder: Path) -> NextQuestion:
    """Train the component on the real follow-ups and some real small talk."""
    talk = RasaFileImporter(training_data_paths=[SMALL_TALK]).get_nlu_data().training_examples
    examples = TrainingData(talk[::SOME])
    tokenizer().process_training_data(examples)
    featurizer().process_training_data(examples)
    made = untrained(folder)
    made.train(examples)
    return made


def chances(component: NextQuestion, text: str, scale: float = SCALE) -> dict[str, float]:
    asked = message(text, scale)
    component.process([asked])
    found: dict[str, float] = asked.get(NEXT)
    return found


@pytest.mark.parametrize(
    ("text", "follow_up"),
    [
        ("shall i just pay him", "sextortion_should_i_pay"),
        ("he says itll be posted at midnight", "sextortion_he_will_post_it_tonight"),
        ("what if nobody believes it", "hurt_what_if_not_believed"),
        ("who reads all this", "who_knows_who_reads_this"),
    ],
)
def test_a_follow_up_is_known_in_words_that_were_not_learned(
    trained: NextQuestion, text: str, follow_up: str
) -> None:
    assert text not in real_content().follow_ups.all()[follow_up].asked
    found = chances(trained, text)

    assert max(found, key=lambda id_: found[id_]) == follow_up
    assert found[follow_up] > 0.5


@pytest.mark.parametrize("text", NOTHING_LIKE_THEM)
def test_small_talk_is_most_likely_none_of_them(trained: NextQuestion, text: str) -> None:
    assert sum(chances(trained, text).values()) < 0.2


@pytest.mark.parametrize("text", ["should i pay", *NOTHING_LIKE_THEM])
def test_each_follow_up_has_its_probability_and_something_is_left_for_none_of_them(
    trained: NextQuestion, text: str
) -> None:
    found = chances(trained, text)

    assert set(found) == FOLLOW_UPS
    assert all(0 <= chance <= 1 for chance in found.values())
    assert sum(found.values()) < 1


def test_it_changes_no_intent(trained: NextQuestion) -> None:
    asked = message("should i pay")
    trained.process([asked])

    assert asked.get(INTENT) == {"name": "greet", "confidence": 0.9}
    assert NEXT not in asked.as_dict(only_output_properties=True)


def test_how_the_features_are_scaled_makes_no_difference(trained: NextQuestion) -> None:
    as_it_is, larger = chances(trained, "should i pay", 1.0), chances(trained, "should i pay")

    assert as_it_is == pytest.approx(larger, abs=1e-4)


def test_a_message_without_words_asks_nothing(trained: NextQuestion) -> None:
    wordless = message("")
    trained.process([wordless])

    assert wordless.get(NEXT) is None


def test_before_it_has_learned_anything_it_says_nothing(tmp_path: Path) -> None:
    asked = message("should i pay")
    untrained(tmp_path).process([asked])

    assert asked.get(NEXT) is None


def test_what_was_learned_is_kept_with_the_model(trained: NextQuestion, folder: Path) -> None:
    loaded = NextQuestion.load({}, LocalModelStorage(folder), Resource("test"), CONTEXT)

    before, after = chances(trained, "should i pay"), chances(loaded, "should i pay")
    assert after == pytest.approx(before, abs=1e-6)


def test_a_change_of_the_words_by_which_something_is_asked_makes_another_model() -> None:
    addon = NextQuestion.fingerprint_addon({})

    assert addon is not None
    for id_, record in real_content().follow_ups.all().items():
        assert f"{json.dumps(id_)}: {json.dumps(record.asked)}" in addon
