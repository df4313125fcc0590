"""Not understood: the nearest topics and help, never a guess."""

from __future__ import annotations

from actions.content import ActionOfferTopics
from tests.unit.actions.trackers import tracker


def offered(dispatcher, composition, ranking):
    ActionOfferTopics(composition).run(
        dispatcher, tracker("hm", "nlu_fallback", ranking=ranking), {}
    )
    (message,) = dispatcher.messages
    return [choice["id"] for choice in message["custom"]["choices"]]


def test_offers_the_nearest_two_topics_and_a_person(dispatcher, composed):
    ranking = ["nlu_fallback", "ask_consent", "greet", "ask_sextortion", "ask_county_lines"]

    assert offered(dispatcher, composed, ranking) == [
        "ask_consent",
        "ask_sextortion",
        "speak_to_someone",
    ]


def test_offers_a_person_when_nothing_is_near(dispatcher, composed):
    assert offered(dispatcher, composed, ["nlu_fallback"]) == ["speak_to_someone"]


def test_a_topic_that_does_not_exist_is_not_offered(dispatcher, composed):
    assert offered(dispatcher, composed, ["ask_no_such_topic"]) == ["speak_to_someone"]
