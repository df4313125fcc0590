"""Every epoch changes the sentences a little and keeps their labels."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from lab.training.augmentation import AugmentedSentences, mixed, roughened, set_in
from lab.training.sentences import SHARES, Labels, TrainingText, labels_of
from safeguarding.taxonomy import Severity

NONE, CONCERN, URGENT, IMMEDIATE = Severity
INTENTS = ["ask_bullying", "ask_consent", "greet", "out_of_scope"]


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - tests, not secrets


def told(number: int) -> TrainingText:
    """Return a risk sentence of seven words that occur nowhere else."""
    text = " ".join(f"told{number}word{letter}" for letter in "abcdefg")
    return TrainingText(text, URGENT, ("grooming",), "self", None)


def talk(number: int) -> TrainingText:
    text = f"talk{number}one talk{number}two talk{number}three"
    return TrainingText(text, NONE, (), None, "out_of_scope")


def asked(number: int) -> TrainingText:
    intent = INTENTS[number % 2]
    return TrainingText(f"asked{number}what asked{number}is", NONE, (), None, intent)


def line(number: int) -> TrainingText:
    """Return a line of a harmful chat."""
    return TrainingText(f"line{number}a line{number}b", None, None, None, None, ("gifts",))


def quiet_line(number: int) -> TrainingText:
    """Return a line of a harmless chat."""
    return TrainingText(f"quiet{number}a quiet{number}b", NONE, (), None, None, ())


def stretch(number: int) -> TrainingText:
    text = f"them stretch{number}a me stretch{number}b"
    return TrainingText(text, None, None, None, None, chat=URGENT)


def augmented(sentences: Sequence[TrainingText]) -> tuple[AugmentedSentences, Labels]:
    labels = labels_of(sentences, INTENTS)
    return AugmentedSentences(sentences, labels, str), labels


MANY = [
    *map(told, range(1500)),
    *map(talk, range(300)),
    *map(asked, range(100)),
    *map(line, range(300)),
    *map(quiet_line, range(300)),
    *map(stretch, range(300)),
]


def in_order(words: Sequence[str], text: str) -> bool:
    """Return whether the text has all the words, in their order."""
    rest = iter(text.split())
    return all(word in rest for word in words)


@pytest.fixture
def smooth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn typing errors off."""
    monkeypatch.setattr("lab.training.augmentation._ROUGH", 0.0)


def test_sentences_are_read_in_canonical_words() -> None:
    sentences = [told(1), talk(2)]
    made = AugmentedSentences(
        sentences, labels_of(sentences, INTENTS), lambda text: text.upper() + "  !"
    )

    assert made.as_written() == [f"{each.text.upper()} !" for each in sentences]


def test_labels_stay_except_for_the_topic_of_an_added_question() -> None:
    made, labels = augmented(MANY)

    _, found = made.epoch(chance(1))

    for task in SHARES:
        if task != "topic":
            assert np.array_equal(getattr(found, task), getattr(labels, task))
            assert np.array_equal(found.masks[task], labels.masks[task])
    known = labels.masks["topic"] == 1
    assert np.array_equal(found.topic[known], labels.topic[known])
    assert found.masks["topic"][known].all()


def test_the_labels_that_were_handed_in_are_left_alone() -> None:
    made, labels = augmented(MANY)
    topic, masks = labels.topic.copy(), {task: m.copy() for task, m in labels.masks.items()}

    for seed in range(3):
        made.epoch(chance(seed))

    assert np.array_equal(labels.topic, topic)
    assert all(np.array_equal(labels.masks[task], masks[task]) for task in masks)


@pytest.mark.usefixtures("smooth")
def test_a_sentence_keeps_all_its_words_whatever_stands_beside_it() -> None:
    made, _ = augmented(MANY)

    texts, _ = made.epoch(chance(1))

    assert len(texts) == len(MANY)
    assert all(in_order(each.text.split(), text) for each, text in zip(MANY, texts, strict=True))


@pytest.mark.usefixtures("smooth")
def test_a_risk_sentence_is_mixed_with_a_whole_harmless_one() -> None:
    made, _ = augmented(MANY)
    harmless = {each.text for each in MANY if each.severity == NONE and each.signs is None}

    texts, _ = made.epoch(chance(1))

    mixed_with = 0
    for each, text in zip(MANY[:1500], texts[:1500], strict=True):
        others = " ".join(word for word in text.split() if word not in each.text.split())
        mixed_with += bool(others)
        assert not others or others in harmless
        assert each.text in text or each.text.split()[0] in text.split()
    assert 0.22 < mixed_with / 1500 < 0.36


@pytest.mark.usefixtures("smooth")
def test_a_question_after_a_risk_sentence_gives_it_a_topic() -> None:
    made, labels = augmented(MANY)
    by_text = {each.text: INTENTS.index(each.intent or "") for each in MANY if each.intent}

    texts, found = made.epoch(chance(1))

    given = [at for at in range(1500) if found.masks["topic"][at]]
    assert 0.03 < len(given) / 1500 < 0.09
    assert not labels.masks["topic"][:1500].any()
    for at in given:
        assert texts[at].startswith(MANY[at].text + " asked")
        assert found.topic[at] == by_text[texts[at].removeprefix(MANY[at].text + " ")]


@pytest.mark.usefixtures("smooth")
def test_a_harmless_sentence_or_one_with_a_topic_gets_no_question() -> None:
    sentences = [
        *(TrainingText(f"quiet{n} words", NONE, (), None, None) for n in range(200)),
        *(TrainingText(f"asking{n} now", URGENT, ("grooming",), None, "greet") for n in range(200)),
        *map(asked, range(5)),
    ]
    made, labels = augmented(sentences)

    _, found = made.epoch(chance(1))

    assert np.array_equal(found.topic, labels.topic)
    assert np.array_equal(found.masks["topic"], labels.masks["topic"])


@pytest.mark.usefixtures("smooth")
def test_chats_are_read_as_they_were_written() -> None:
    """Lines have signs and stretches have speakers, so nothing is put beside them."""
    made, _ = augmented(MANY)

    texts, _ = made.epoch(chance(1))

    assert texts[1900:] == [each.text for each in MANY[1900:]]


@pytest.mark.usefixtures("smooth")
def test_a_long_sentence_gets_nothing_beside_it() -> None:
    long = [
        TrainingText(" ".join(f"w{n}x{at}" for at in range(61)), URGENT, ("grooming",), None, None)
        for n in range(300)
    ]
    made, _ = augmented([*long, *map(talk, range(10)), *map(asked, range(10))])

    texts, _ = made.epoch(chance(1))

    assert texts[:300] == [each.text for each in long]


@pytest.mark.usefixtures("smooth")
def test_a_long_harmless_text_stands_beside_nothing() -> None:
    long = TrainingText(" ".join(f"long{at}" for at in range(17)), NONE, (), None, "ask_consent")
    made, _ = augmented([*map(told, range(500)), long])

    texts, found = made.epoch(chance(1))

    assert texts[:500] == [told(number).text for number in range(500)]
    assert not found.masks["topic"][:500].any()


def test_without_anything_harmless_there_is_nothing_to_mix_with() -> None:
    made, _ = augmented([*map(told, range(50)), TrainingText("", NONE, (), None, None)])

    texts, _ = made.epoch(chance(1))

    assert len(texts) == 51
    assert texts[50] == ""


def test_an_epoch_can_be_repeated_and_the_next_is_another() -> None:
    made, _ = augmented(MANY)
    first, labels = made.epoch(chance(1))
    again, same = made.epoch(chance(1))
    other, _ = made.epoch(chance(2))

    assert first == again
    assert np.array_equal(labels.topic, same.topic)
    changed = sum(one != two for one, two in zip(first, other, strict=True)) / len(MANY)
    assert 0.3 < changed < 0.8


@pytest.mark.usefixtures("smooth")
def test_a_text_that_asks_for_a_topic_teaches_no_other() -> None:
    """The topic of talk about pasta followed by a question about consent is consent."""
    made, _ = augmented([*map(talk, range(300)), *map(asked, range(300))])

    texts, found = made.epoch(chance(1))

    wrong = []
    for at, text in enumerate(texts):
        topics = {INTENTS[int(number) % 2] for number in re.findall(r"asked(\d+)what", text)}
        if found.masks["topic"][at] and not topics <= {INTENTS[found.topic[at]]}:
            wrong.append(text)
    assert wrong == []


def beside(texts: Sequence[str], sentences: Sequence[TrainingText]) -> list[str]:
    """Return the text put beside each sentence, "" if there is none."""
    pairs = zip(texts, (set(each.text.split()) for each in sentences), strict=True)
    return [" ".join(word for word in text.split() if word not in own) for text, own in pairs]


@pytest.mark.usefixtures("smooth")
@pytest.mark.parametrize("intent", ["out_of_scope", "greet", "ask_bullying"])
def test_a_sentence_whose_topic_is_learned_gets_no_question_beside_it(intent: str) -> None:
    learned = [TrainingText(f"own{n}a own{n}b", NONE, (), None, intent) for n in range(600)]
    made, labels = augmented([*learned, *map(talk, range(20)), *map(asked, range(200))])

    texts, found = made.epoch(chance(1))

    others = [other for other in beside(texts[:600], learned) if other]
    assert 0.19 < len(others) / 600 < 0.31
    assert not [other for other in others if "asked" in other]
    assert np.array_equal(found.topic[:600], labels.topic[:600])


@pytest.mark.usefixtures("smooth")
def test_a_sentence_without_topic_may_get_a_question_beside_it() -> None:
    untold = [TrainingText(f"own{n}a own{n}b", NONE, (), None, None) for n in range(600)]
    made, labels = augmented([*untold, *map(talk, range(200)), *map(asked, range(200))])

    texts, found = made.epoch(chance(1))

    assert any("asked" in other for other in beside(texts[:600], untold))
    assert not found.masks["topic"][:600].any()
    assert np.array_equal(found.masks["topic"], labels.masks["topic"])


@pytest.mark.usefixtures("smooth")
def test_a_topic_stays_alone_when_all_harmless_sentences_are_questions() -> None:
    sentences = [*map(asked, range(300))]
    made, _ = augmented(sentences)

    texts, _ = made.epoch(chance(1))

    assert texts == [each.text for each in sentences]


def test_other_words_stand_before_after_or_around() -> None:
    found = Counter(" ".join(mixed(["a", "b"], ["x", "y"], chance(seed))) for seed in range(2000))

    assert set(found) == {"x y a b", "a b x y", "x a b y"}
    assert found["x a b y"] < found["x y a b"]
    assert found["x a b y"] < found["a b x y"]


def test_one_word_is_not_split_around_others() -> None:
    found = {" ".join(mixed(["a", "b"], ["x"], chance(seed))) for seed in range(200)}

    assert found == {"x a b", "a b x"}


def test_a_slip_swaps_forgets_or_doubles_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.training.augmentation._SHORTENED", 0.0)
    found = roughened(["word"] * 3000, chance(1)).split()

    assert set(found) == {
        "word", "owrd", "wrod", "wodr", "ord", "wrd", "wod", "wword", "woord", "worrd",
    }  # fmt: skip


def test_few_words_are_dropped_and_few_have_slips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.training.augmentation._SHORTENED", 0.0)
    count = 20_000
    found = roughened(["word"] * count, chance(1)).split()

    assert 1 - len(found) / count == pytest.approx(0.03, abs=0.005)
    assert sum(word != "word" for word in found) / count == pytest.approx(0.09, abs=0.01)


def test_some_texts_lose_vowels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.training.augmentation._SHORTENED", 1.0)
    found = Counter(roughened(["about"] * 2000, chance(1)).split())

    assert 0.4 < found["abt"] / 2000 < 0.6


def test_most_texts_keep_their_vowels() -> None:
    hurried = sum("abt" in roughened(["about"] * 20, chance(seed)).split() for seed in range(1000))

    assert 100 < hurried < 200


def test_a_short_word_has_no_slips() -> None:
    for seed in range(30):
        assert set(roughened(["him"] * 100, chance(seed)).split()) == {"him"}


def test_one_word_is_never_dropped() -> None:
    assert all(roughened(["help"], chance(seed)) for seed in range(500))


def test_some_words_always_remain() -> None:
    assert all(roughened(["no", "no"], chance(seed)) for seed in range(5000))


def test_the_same_seed_makes_the_same_slips() -> None:
    words = [f"words{number}" for number in range(100)]

    assert roughened(words, chance(1)) == roughened(words, chance(1))
    assert roughened(words, chance(1)) != roughened(words, chance(2))


PASSAGE = [["one", "two"], ["three"], ["four", "five", "six"]]


@pytest.mark.parametrize("seed", range(20))
def test_a_sentence_is_set_whole_between_neighbouring_sentences_of_a_passage(seed: int) -> None:
    found = set_in(["he", "hit", "me"], PASSAGE, chance(seed))

    at = found.index("he")
    assert found[at : at + 3] == ["he", "hit", "me"]
    rest = found[:at] + found[at + 3 :]
    whole = [word for sentence in PASSAGE for word in sentence]
    assert " ".join(rest) in " ".join(whole)
    assert rest[:1] in ([], ["one"], ["three"], ["four"])


def test_a_text_in_which_a_sentence_is_set_is_never_longer_than_a_passage_may_be() -> None:
    long = [[f"w{at}"] * 10 for at in range(30)]

    lengths = {len(set_in(["he", "hit", "me"], long, chance(seed))) for seed in range(60)}

    assert max(lengths) <= 80
    assert min(lengths) > 3


def test_an_empty_passage_adds_nothing() -> None:
    assert set_in(["he"], [], chance(1)) == ["he"]


@pytest.mark.usefixtures("smooth")
def test_risk_and_harmless_sentences_alike_are_set_into_passages() -> None:
    sentences = [*map(told, range(400)), *map(talk, range(400))]
    labels = labels_of(sentences, INTENTS)
    passage = " ".join(f"Filler{at} is here." for at in range(20))
    made = AugmentedSentences(sentences, labels, str, [passage])

    texts, _ = made.epoch(chance(3))

    shares = [
        sum("Filler" in text for text in part) / len(part) for part in (texts[:400], texts[400:])
    ]
    assert min(shares) > 0.15
    assert abs(shares[0] - shares[1]) < 0.1


@pytest.mark.usefixtures("smooth")
def test_of_some_long_harmless_texts_only_a_piece_is_kept() -> None:
    long = TrainingText(" ".join(f"w{at}" for at in range(100)), NONE, (), None, None)
    grave = TrainingText(" ".join(f"g{at}" for at in range(100)), URGENT, ("grooming",), None, None)
    made, _ = augmented([long] * 50 + [grave] * 50)

    texts, _ = made.epoch(chance(1))

    lengths = [len(text.split()) for text in texts]
    assert {*lengths[:50]} == {36, 100}
    assert {*lengths[50:]} == {100}
