"""Pasted chats: who says what in every layout, what is said beside it, and what is no chat."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.risk.chat.pasted import PastedChat, pasted_chat

NAMES = "liam: hi\nk1ra: hey\nliam: u alone?"
SAID = [("liam", "hi"), ("k1ra", "hey"), ("liam", "u alone?")]


def read(text: str) -> PastedChat:
    chat = pasted_chat(text)
    assert chat is not None
    return chat


def said(text: str) -> list[tuple[str | None, str]]:
    return [(line.speaker, line.text) for line in read(text).lines]


def own(text: str) -> str:
    return " ".join(read(text).own_words.split())


@pytest.mark.parametrize(
    "text",
    [
        NAMES,
        "liam:hi\nk1ra:hey\nliam:u alone?",
        "Liam : hi\nK1ra : hey\nliam : u alone?",
        "[21:04] liam: hi\n[21:05] k1ra: hey\n[21:06] liam: u alone?",
        "21:04 liam: hi\n21:05 k1ra: hey\n21:06 liam: u alone?",
        "9:04 pm liam: hi\n9:05 PM - k1ra: hey\n9:06pm liam: u alone?",
        "liam [21:04]: hi\nk1ra [21:05]: hey\nliam [21:06]: u alone?",
        "12/03/2026, 21:04 - liam: hi\n12/03/2026, 21:05 - k1ra: hey\n"
        "12/03/2026, 21:06 - liam: u alone?",
        "3/12/26, 9:04\u202fPM - liam: hi\n3/12/26, 9:05\u202fPM - k1ra: hey\n"
        "3/12/26, 9:06\u202fPM - liam: u alone?",
        "\u200e[12/03/2026, 21:04:11] liam: hi\n[12/03/2026, 21:05:09] k1ra: \u200ehey\n"
        "[12/03/2026, 21:06:30] liam: u alone?",
        "<liam> hi\n<k1ra> hey\n<liam> u alone?",
        "[21:04] <liam> hi\n[21:05] <k1ra> hey\n[21:06] <liam> u alone?",
        "> liam: hi\n> k1ra: hey\n> liam: u alone?",
        "liam — Today at 21:04\nhi\nk1ra — Today at 21:05\nhey\nliam — Today at 21:06\nu alone?",
        "liamToday at 21:04\nhi\nk1raToday at 21:05\nhey\nliamToday at 21:06\nu alone?",
        "liam — 12/03/2026 21:04\nhi\nk1ra — 12/03/2026 21:05\nhey\n"
        "liam — 12/03/2026 21:06\nu alone?",
        "liam\n — \nToday at 21:04\nhi\nk1ra\n — \nToday at 21:05\nhey\n"
        "liam\n — \nToday at 21:06\nu alone?",
        "liam, [12.03.2026 21:04]\nhi\nk1ra, [12.03.2026 21:05]\nhey\n"
        "liam, [12.03.2026 21:06]\nu alone?",
        "liam:\nhi\n\nk1ra:\nhey\n\nliam:\nu alone?",
        "liam: hi\r\nk1ra: hey\r\nliam: u alone?\r\n",
        "liam: hi k1ra: hey liam: u alone?",
        "[21:04] liam: hi [21:05] k1ra: hey [21:06] liam: u alone?",
        "12/03/2026, 21:04 - liam: hi 12/03/2026, 21:05 - k1ra: hey "
        "12/03/2026, 21:06 - liam: u alone?",
    ],
)
def test_every_layout_with_names_says_who_says_what(text: str) -> None:
    assert said(text) == SAID
    assert own(text) == ""
    assert not read(text).guessed


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("me: hey\nhim: hi\nhim: u alone", ["me", "him", "him"]),
        ("You: hey\nJake C: hi\nYou: why", ["me", "jake c", "me"]),
        ("i said: hey\nhe said: hi\ni said: what", ["me", "him", "me"]),
        ("me - hey\nhim - hi\nhim- u alone", ["me", "him", "him"]),
        ("him: hey me: hi him: u alone?", ["him", "me", "him"]),
        ("A: hi B: hey A: u alone?", ["a", "b", "a"]),
        ("he said: u alone i said: yeah he said: send a pic", ["him", "me", "him"]),
        ("Mr Hale: well done jess: thanks Mr Hale: our secret ok", ["mr hale", "jess", "mr hale"]),
        ("Gaz (leader): hi\nWills Dad: hello\nGaz (leader): ok", ["gaz (leader)", "wills dad"]),
        ("Ty 💍: hi\nMads: hello\nTy 💍: ok", ["ty 💍", "mads", "ty 💍"]),
        ("> hi\nhey\n> u alone?", ["them", "me", "them"]),
        ("> hi hey > u alone? yes > good", ["them", "them", "them"]),
        ("jo: hi all\nsam: hi\ned: hey\nsam: who is here", ["jo", "sam", "ed", "sam"]),
    ],
)
def test_knows_speakers_and_the_one_whose_chat_it_is(text: str, speakers: list[str]) -> None:
    found = [line.speaker for line in read(text).lines]

    assert found[: len(speakers)] == speakers
    assert not read(text).guessed


def test_lines_below_a_label_belong_to_it() -> None:
    text = "12/03/2026, 21:04 - liam: hi\nstill me\n12/03/2026, 21:05 - jo: hey\n"
    text += "12/03/2026, 21:06 - liam: <Media omitted>\n12/03/2026, 21:07 - jo: ok"

    assert said(text) == [("liam", "hi"), ("liam", "still me"), ("jo", "hey"), ("jo", "ok")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"is this ok?\n{NAMES}", "is this ok?"),
        (f"{NAMES}\nis this ok?", "is this ok?"),
        (f"he sent this\n\n{NAMES}\n\nim scared of him", "he sent this im scared of him"),
        ("is this ok? him: hey me: hi him: u alone?", "is this ok?"),
        ("look > hi hey > u alone? yes > good", "look"),
        ("> hi\nhey\n> u alone?\n\nis this ok", "is this ok"),
        ("> hi\nhey\n> u alone?\nim scared of him", "im scared of him"),
        ("liam — 21:04\nhi\njo — 21:05\nhey\nliam — 21:06\nalone?\n\nis this ok", "is this ok"),
        ("liam: hi\nme: hey\n\nthen he came to my house\n\nliam: open", "then he came to my house"),
    ],
)
def test_what_the_person_says_is_kept_apart(text: str, words: str) -> None:
    assert own(text) == words


def test_own_words_stand_where_they_were_typed() -> None:
    text = f"is this ok?\n{NAMES}\nim scared"
    words = read(text).own_words

    assert len(words) == len(text)
    assert words.index("im scared") == text.index("im scared")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hi",
        "my uncle: he hits me",
        "liam: hi\nme: hey",
        "i was at home: my dad came in. he said: get out. i said: no. then he hit me",
        "Mon: swim\nTue: maths\nWed: gym\nThu: piano",
        "Name: Jo\nAge: 12\nSchool: Hill",
        "see https://x.y\nand https://z.q\nhttps://a.b",
        "ok:) lol:) haha:D ok:P",
        "hi\nhow are you\nbye",
        "5 > 3 and 3 > 2",
        "he comes at 21:04 and at 22:05 and at 23:06",
    ],
)
def test_what_is_no_chat_is_none(text: str) -> None:
    assert pasted_chat(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "hi\nmy uncle touches me\nhe says its secret\ni dont know what to do",
        "hi\nhey\nu alone?\nyeah why",
        "him: u alone\nhim: dont tell ur mum\nhim: send a pic",
        "> u alone\n> dont tell ur mum\n> send a pic",
    ],
)
def test_what_may_be_a_story_of_ones_own_is_only_guessed(text: str) -> None:
    chat = read(text)

    assert chat.guessed
    assert chat.own_words == text


@given(st.text(st.sampled_from(" \n:>-—[]<>()/.,0159amAhi🙂\u200e\ud800"), max_size=400))
def test_never_fails_and_every_line_stands_where_it_says(text: str) -> None:
    chat = pasted_chat(text)
    if chat is None:
        return

    assert len(chat.own_words) == len(text)
    assert all(text[line.start : line.end] == line.text for line in chat.lines)
    assert all(line.text.strip() for line in chat.lines)
    starts = [line.start for line in chat.lines]
    assert starts == sorted(starts)


HUGE = 200_000


@pytest.mark.parametrize(
    "part",
    [
        " ", "\n", ":", "> ", ">\n", "a: ", "a: b\nc: d\n", "[21:04] ", "[21:04] a: b ", "<", "[",
        "liam — 21:04\nhi\n", "liam\n21:04\nhi\n", "he said: x i said: y ", "1.1", "jan 12 ",
        "Mr Hale: a jo: b ", "me - ", "\u200e", "\ud800: a\n", "like: ", "a: b" + " " * 3000 + "\n",
    ],
)  # fmt: skip
def test_hostile_and_huge_messages_are_read_in_time(part: str) -> None:
    text = part * (HUGE // len(part))
    started = time.process_time()

    pasted_chat(text)

    assert time.process_time() - started < 4


def test_a_heap_of_signs_is_read_in_time() -> None:
    rng = random.Random(1)  # noqa: S311 - no secret
    text = "".join(rng.choice(" :>\n[]0159aA-—.@") for _ in range(HUGE))
    started = time.process_time()

    pasted_chat(text)

    assert time.process_time() - started < 4
