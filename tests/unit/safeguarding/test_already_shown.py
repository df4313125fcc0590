"""Ids of what was shown: each once, the latest kept, nothing but ids."""

from __future__ import annotations

import pytest

from safeguarding.already_shown import KEPT, AlreadyShown

CONTACTS = {
    "kind": "contacts",
    "text": "Who can help",
    "contacts": [{"id": "childline"}, {"id": "ceop"}],
    "choices": [{"id": "speak_to_someone"}],
}


def test_gathers_the_ids_of_each_kind_once():
    shown = AlreadyShown(contacts=("ceop",)).and_of([CONTACTS, {"topic": "sexting"}, CONTACTS, {}])

    assert shown == AlreadyShown(("ceop", "childline"), ("speak_to_someone",), ("sexting",))


def test_a_message_that_shows_nothing_changes_nothing():
    before = AlreadyShown(("ceop",), ("greet",), ("sexting",))

    assert before.and_of([{"kind": "text", "text": "hi", "contacts": [], "topic": ""}]) == before


def test_the_latest_are_kept():
    ids = [f"ask_{number}" for number in range(KEPT + 5)]
    shown = AlreadyShown().and_of([{"choices": [{"id": each} for each in ids]}])

    assert shown.choices == tuple(ids[5:])
    assert AlreadyShown.from_record({"choices": ids}).choices == tuple(ids[5:])


def test_a_record_comes_back_the_same_and_holds_no_empty_kind():
    shown = AlreadyShown(contacts=("ceop",))

    assert shown.as_record() == {"contacts": ["ceop"]}
    assert AlreadyShown.from_record(shown.as_record()) == shown


@pytest.mark.parametrize("record", [{"contacts": "ceop"}, {"contacts": [1]}, {"words": ["ceop"]}])
def test_what_is_no_record_of_ids_is_refused(record):
    with pytest.raises(TypeError):
        AlreadyShown.from_record(record)
