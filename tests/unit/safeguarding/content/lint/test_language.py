"""Words that are not ours are found, with what to say instead; quoted ones are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.lint.language import Language, WordRecord, read_language
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT

BAD = [
    "her older boyfriend took her to parties",
    "this is risky behaviour",
    "she was placing herself at risk",
    "he is promiscuous",
    "a child prostitute",
    "images of child pornography",
    "it was a lifestyle choice",
    "he asked for it",
    "children involved in county lines",
    "a drug runner",
    "he absconded again",
    "she refuses to engage",
    "attention-seeking girls",
    "We promise to keep it secret",
    "this chat is completely private",
    "everything will be OK",
    "they committed suicide",
    "BME victims",
    "a boy who is wheelchair-bound",
    "she suffers from autism",
    "he comes from a broken home",
    "the risks of sexting",
    "a grooming gang",
    "under-age sex",
    "I'm your friend",
    "I'll always be there for you",
    "I love you",
    "I've been thinking about you",
    "You’ve got me",
    "you mean a lot to me",
    "Only I understand you",
    "nobody else will listen",
    "You don't need anyone else",
    "let's keep this between us",
    "you can't trust your family",
    "Don't go yet",
    "Stay a bit longer",
    "I'd miss you",
    "You're so special to me",
    "you are far more mature than most",
    "come back tomorrow and talk",
    "Talk to me for as long as you like",
]
GOOD = [
    "a child at risk",
    "We cannot promise what they will do",
    "do not promise to keep it secret",
    "it is not your fault",
    "the exploiter acts like a partner",
    "he uses a wheelchair",
    "died by suicide",
    "brisk",
    "She said, “it is my boyfriend”.",
    'never write "promiscuous"',
    "I'm a computer, so I can't be a friend the way a person can",
    "Try: 'I love you both, so please don't ask me that.'",
    "You don't need anyone's permission to ring the police",
    "Please don't leave me on my own.",
    "It's nice when somebody thinks you're special",
    "You told someone. That was hard, and you did it.",
    "We keep it between the people who need to know.",
]


def words() -> Language:
    return read_language(CONTENT / "language.yml")


@pytest.mark.parametrize("text", BAD)
def test_finds_words_that_are_not_ours_and_says_what_to_say(text: str) -> None:
    assert any("say '" in fault or 'say "' in fault for fault in words().faults(text))


@pytest.mark.parametrize("text", GOOD)
def test_leaves_other_words_and_quoted_ones_alone(text: str) -> None:
    assert list(words().faults(text)) == []


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("I'm always here for you", "pretended_bond"),
        ("this is our little secret", "only_me"),
        ("please don't leave me", "flattery_to_stay"),
    ],
)
def test_words_that_pretend_a_bond_isolate_or_keep_a_child_talking_are_told_apart(
    text: str, entry: str
) -> None:
    [why] = [record.why for record in words().records if record.id == entry]

    assert [why in fault for fault in words().faults(text)] == [True]


def test_every_entry_says_what_to_say_and_why() -> None:
    assert len(words().records) >= 20
    assert all(record.say and record.why for record in words().records)
    assert all(why for record in words().records for why in record.exceptions.values())


def test_a_file_may_be_excepted_and_the_exception_must_be_needed() -> None:
    cats = Language([WordRecord("cat", "cats?", "dog", "so", {"articles/a.md": "it is of cats"})])

    assert list(cats.faults("a cat", "articles/b.md")) == ["'cat' is not ours: say 'dog' (so)"]
    assert list(cats.faults("a cat", "articles/a.md")) == []
    assert list(cats.needless("articles/a.md", "a cat")) == []
    assert list(cats.needless("articles/a.md", 'a "cat"')) == ["cat"]
    assert list(cats.needless("articles/b.md", "nothing")) == []


def test_refuses_an_entry_twice_and_a_broken_expression(tmp_path: Path) -> None:
    path = tmp_path / "language.yml"
    entry = "  - {id: a, words: '(', say: b, why: c}\n"
    path.write_text(f"words:\n{entry}{entry}", encoding="utf-8")

    with pytest.raises(ContentError) as caught:
        read_language(path)

    what = [problem.what for problem in caught.value.problems]
    assert len([one for one in what if "no regular expression" in one]) == 2
    assert "'a' stands here twice" in what
