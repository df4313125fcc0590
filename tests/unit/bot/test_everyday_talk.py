"""Everyday talk of data/risk as examples of what is out of scope."""

from __future__ import annotations

from bot.everyday_talk import INTENT, EverydayTalk
from safeguarding.corpus.reader import everyday, read_examples


def test_every_everyday_sentence_is_an_example() -> None:
    taught = EverydayTalk().get_nlu_data().intent_examples
    assert [each.get("text") for each in taught] == everyday(read_examples())
    assert {each.get("intent") for each in taught} == {INTENT}


def test_nothing_of_the_held_back_parts_is_taught() -> None:
    held = {each.text for each in read_examples() if each.part != "training"}
    taught = {each.get("text") for each in EverydayTalk().get_nlu_data().intent_examples}
    only_there = {
        each.text for each in read_examples() if each.part == "training"
    }  # a few greetings stand in both
    assert not (taught & held) - only_there


def test_it_adds_nothing_but_examples() -> None:
    importer = EverydayTalk("config.yml", "domain.yml", ["data"])
    assert importer.get_domain().is_empty()
    assert importer.get_stories().is_empty()
    assert importer.get_config() == {}
    assert importer.get_config_file_for_auto_config() is None
