"""What is kept of a phrase opens nothing by itself, and every try is the same work."""

from __future__ import annotations

from collections import Counter

import pytest
from argon2 import PasswordHasher
from typing_extensions import override

from chat.gateway.letterbox_key import LOCATOR_DIGITS, PhraseKey, folded

TOKEN_KEY = "k" * 40
PHRASE, ANSWER = "apple banjo cactus dahlia eclair ferret", "Toast the 3rd"


class CountingHasher(PasswordHasher):
    """Counts what it compares, by the costs of what it compares with."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.work: Counter[str] = Counter()

    @override
    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.work[str(hash).rsplit("$", 2)[0]] += 1
        return super().verify(hash, password)


@pytest.fixture
def key() -> PhraseKey:
    return PhraseKey(TOKEN_KEY, CountingHasher())


def test_phrase_and_answer_open_it_together(key: PhraseKey) -> None:
    digest = key.digest(PHRASE)
    secret = key.secret(digest, ANSWER)

    assert key.fits(secret, digest, " toast THE 3rd!")
    assert not key.fits(secret, digest, "toast")
    assert not key.fits(secret, key.digest(PHRASE.replace("apple", "banjo")), ANSWER)
    assert not key.fits(None, digest, ANSWER)


def test_a_right_try_a_wrong_one_and_one_for_nothing_are_the_same_work() -> None:
    hasher = CountingHasher()
    key = PhraseKey(TOKEN_KEY, hasher)
    digest = key.digest(PHRASE)
    secret = key.secret(digest, ANSWER)
    work = []
    for tried in ((secret, ANSWER), (secret, "wrong"), (None, ANSWER)):
        hasher.work.clear()
        key.fits(tried[0], digest, tried[1])
        work.append(dict(hasher.work))

    assert work[0] == work[1] == work[2]
    assert sum(work[0].values()) == 1


def test_another_installation_cannot_find_or_open_it(key: PhraseKey) -> None:
    other = PhraseKey("o" * 40, CountingHasher())
    secret = key.secret(key.digest(PHRASE), ANSWER)

    assert other.digest(PHRASE) != key.digest(PHRASE)
    assert not other.fits(secret, other.digest(PHRASE), ANSWER)


def test_what_is_kept_holds_neither_and_differs_each_time(key: PhraseKey) -> None:
    digest = key.digest(PHRASE)
    first, second = key.secret(digest, ANSWER), key.secret(digest, ANSWER)

    assert first.startswith("$argon2id$")
    assert first != second
    assert len(key.locator(digest)) == LOCATOR_DIGITS
    assert digest not in first


def test_the_question_of_a_wrong_phrase_is_always_the_same(key: PhraseKey) -> None:
    choices = ["a", "b", "c", "d", "e", "f"]
    picked = {key.pick(key.digest(f"{PHRASE} {number}"), choices) for number in range(100)}

    assert picked == set(choices)
    digest = key.digest(PHRASE)
    assert key.pick(digest, choices) == key.pick(digest, choices)


@pytest.mark.parametrize("answer", ["Zoë", "ZOE", "zoe!", " z o e "])
def test_an_answer_is_the_same_in_any_case_and_spacing(answer: str) -> None:
    assert folded(answer) == "zoe"
