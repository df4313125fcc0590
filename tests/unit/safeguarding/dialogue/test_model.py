"""The model that ships: it knows every reply and act, and answers plain words as a person would."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from safeguarding.content.replies import FIRST
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.candidates import ANSWER, ANSWER_FIRST
from safeguarding.dialogue.encoder import WIDTH, DialogueEncoder
from safeguarding.dialogue.model import (
    LAST_KINDS,
    DialogueModel,
    Floats,
    Place,
    read_dialogue_model,
)
from safeguarding.dialogue.understand import IncomingText, Understanding
from safeguarding.records import ContentError
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.risk.encoder.in_place import loaded_encoder
from safeguarding.risk.encoder.vectors import SentenceEncoder, read_adapter, unit
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import ROOT, Severity, taxonomy
from tests.content import real_content

REPLIES = real_content().replies.all()
needs_encoder = pytest.mark.skipif(
    not (ROOT / "models" / "mpnet_dialogue.onnx").exists(), reason="the encoders are not built"
)


_loaded = cache(loaded_encoder)


@pytest.fixture(scope="module")
def model() -> DialogueModel:
    return read_dialogue_model()


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(read_adapter().version)


def vector(seed: int) -> Floats:
    halves = np.random.default_rng(seed).normal(size=(2, WIDTH // 2)).astype(np.float32)
    return unit(halves).ravel()


def test_it_knows_exactly_the_replies_and_acts_that_there_are(model: DialogueModel) -> None:
    assert sorted(model.replies) == sorted(REPLIES)
    assert sorted(model.acts) == sorted(taxonomy().dialogue_acts)


@pytest.mark.parametrize("kind", LAST_KINDS)
@pytest.mark.parametrize("words", [1, 60])
def test_every_probability_is_one(model: DialogueModel, kind: str, words: int) -> None:
    place = Place(need="suicide", need_after="suicide", last_kind=kind, last_reply=model.replies[0])
    acts = model.act_probabilities(vector(words), place, words)
    ranked = model.rank(vector(words), place, words, REPLIES, acts)
    chances = [each.probability for each in ranked]

    assert sum(acts.values()) == pytest.approx(1, abs=1e-4)
    assert all(0 <= chance <= 1 for chance in [*acts.values(), *chances])
    assert chances == sorted(chances, reverse=True)
    assert len({each.id for each in ranked}) == len(ranked) > 0


def test_what_words_ask_for_are_the_likeliest_replies_and_nothing_without_words(
    model: DialogueModel,
) -> None:
    asked = model.asked(vector(1))

    assert 0 < len(asked) < len(REPLIES)
    assert all(0.005 <= chance <= 1 for chance in asked.values())
    assert sum(asked.values()) <= 1 + 1e-4
    assert model.asked(None) == {}


def test_what_was_talked_about_before_makes_a_reply_likelier(model: DialogueModel) -> None:
    replies = real_content().replies
    acts = model.act_probabilities(vector(3), Place(), 6)
    plain = {each.id: each.probability for each in model.rank(vector(3), Place(), 6, REPLIES, acts)}
    id_ = next(iter(plain))
    about = Place(leaning={id_: 1.0}, themes=replies.in_themes({id_: 1.0}))
    after = {each.id: each.probability for each in model.rank(vector(3), about, 6, REPLIES, acts)}

    assert after[id_] > plain[id_]


def test_without_a_word_or_a_reply_nothing_is_ranked(model: DialogueModel) -> None:
    acts = model.act_probabilities(None, Place(), 0)

    assert sum(acts.values()) == pytest.approx(1, abs=1e-4)
    assert model.rank(None, Place(), 0, REPLIES, acts) == []
    assert model.rank(vector(1), Place(), 2, {}, acts) == []


def test_only_the_replies_that_make_sense_are_ranked(model: DialogueModel) -> None:
    some = {id_: REPLIES[id_] for id_ in sorted(REPLIES)[:5]}
    ranked = model.rank(vector(2), Place(), 2, some, {})

    assert {each.id for each in ranked} <= set(some)


def told(category: str | None, subject: str = "self", **known: object) -> ConversationState:
    state = ConversationState(**known)
    if category is None:
        return state
    state = state.after(Assessment(Severity.URGENT, (category,), subject, ()))
    return state.shown(state.need or "", Severity.URGENT)


def best(
    model: DialogueModel,
    encoder: SentenceEncoder,
    text: str,
    before: ConversationState,
    now: Assessment = NO_RISK,
) -> tuple[str, float]:
    """Return the likeliest reply to a message: a first answer where it tells something."""
    content = real_content()
    dialogue = DialogueEncoder(_loaded(), {})
    canonical = " ".join(read_lexicon().normaliser(text).words)
    made = Understanding(model, content.replies, content.questions, content.facts)
    joined = dialogue.vector(canonical, encoder.encode(canonical).vector)
    message = IncomingText(text, canonical, joined, now)
    turn = made.understand(message, before)
    tells = now.severity > Severity.NONE
    each = next(each for each in turn.candidates if each.id.startswith(FIRST) is tells)
    return each.id, each.probability


@needs_encoder
@pytest.mark.parametrize(
    ("text", "category", "right"),
    [
        ("shall i just pay him", "image_abuse", {"sextortion_should_i_pay"}),
        ("who reads all this", "grooming", {"who_knows_who_reads_this"}),
        ("what if nobody believes it", "sexual_abuse", {"hurt_what_if_not_believed"}),
    ],
)
def test_plain_words_get_the_reply_that_a_person_would_give(
    model: DialogueModel, encoder: SentenceEncoder, text: str, category: str, right: set[str]
) -> None:
    found, chance = best(model, encoder, text, told(category))

    assert found in right
    assert chance >= ANSWER


@needs_encoder
@pytest.mark.parametrize(
    ("text", "category", "right"),
    [
        (
            "he says hell send my nudes unless i pay",
            "image_abuse",
            "first_blackmailed_over_picture",
        ),
        ("i dont want to be alive anymore", "suicide", "first_want_to_die"),
        ("i keep cutting my arms", "self_harm", "first_cutting"),
        ("my dad hits me when hes drunk", "physical_abuse", "first_hit_at_home"),
    ],
)
def test_plain_disclosures_get_their_first_answer(
    model: DialogueModel, encoder: SentenceEncoder, text: str, category: str, right: str
) -> None:
    now = Assessment(Severity.URGENT, (category,), "self", ())
    found, chance = best(model, encoder, text, ConversationState(), now)

    assert found == right
    assert chance >= ANSWER_FIRST


def test_a_model_of_other_encoders_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safeguarding.dialogue.model.encoders", lambda: "others")

    with pytest.raises(ContentError, match="run `make dialogue-model`"):
        read_dialogue_model()
