from __future__ import annotations

from pathlib import Path

import pytest

from lab.evaluation.keyword_lists import KeywordList, plain, read_keyword_lists
from safeguarding.records import ContentError

NAMES = {"name": "a", "about": "b", "source": "c", "licence": "d", "changed": "e"}


def test_each_published_list_says_where_it_is_from_and_under_which_licence() -> None:
    lists = read_keyword_lists()

    assert [each.name for each in lists] == ["Suicide Risk Lexicon", "PANTHEON crisis patterns"]
    assert {each.licence for each in lists} == {"Apache-2.0"}
    assert all(each.source and each.changed for each in lists)
    assert all(bool(each.phrases) != bool(each.patterns) for each in lists)


def test_no_phrase_stands_in_a_list_twice() -> None:
    for each in read_keyword_lists():
        assert len(set(each.phrases)) == len(each.phrases)


@pytest.mark.parametrize(
    ("text", "counts"),
    [("i want to kill myself", (True, True)), ("he hit me", (True, False)), ("tea", (False,) * 2)],
)
def test_the_published_lists_find_what_they_are_about(text: str, counts: tuple[bool, bool]) -> None:
    assert tuple(each.counter()(text) > 0 for each in read_keyword_lists()) == counts


def test_punctuation_and_curly_apostrophes_do_not_hide_a_phrase() -> None:
    assert plain("Self-HARM… I don’t, (know)!") == "self harm… i don't know"
    count = KeywordList(**NAMES, phrases=["self-harm", "don't know"]).counter()

    assert count("SELF HARM, I don’t know") == 2


def test_only_a_short_phrase_has_to_be_a_whole_word() -> None:
    count = KeywordList(**NAMES, phrases=["rope", "bully"]).counter()

    assert count("europe") == 0
    assert count("a rope") == 1
    assert count("bullying") == 1


def test_an_entry_counts_once_in_a_text() -> None:
    count = KeywordList(**NAMES, phrases=["abuse"], patterns=[r"\bend it\b"]).counter()

    assert count("abuse, abuse, END IT, end it") == 2
    assert count("") == 0


def test_a_list_without_a_licence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lists.yml"
    path.write_text("- {name: a, about: b, source: c, changed: d}", "utf-8")

    with pytest.raises(ContentError, match="licence"):
        read_keyword_lists(path)
