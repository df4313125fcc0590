"""A disclosure in a long message is found wherever it stands, and in bounded time."""

from __future__ import annotations

import pytest

from chat.gateway.requests import MAX_BODY_BYTES
from safeguarding.risk.assessment import is_read_in_part
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.matching import RuleMatcher
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.text.normalise import MOST_READ
from safeguarding.taxonomy import Severity

DISCLOSURE = "i want to kill myself tonight and i have the tablets"
FILLERS = {
    "a day out": (
        "today we went to the park and played football until it got dark and then we had chips. "
        "my brother lost his shoe in the pond so we all had to look for it. it was quite funny. "
    ),
    "a school day without stops": (
        "so first we had maths and then it was science and we did magnets and after that it was "
        "lunch and i had pasta and then we had art and i painted a fox and then we went home on "
        "the bus and i did my reading and had tea and went on the computer "
    ),
    "a recipe": (
        "Weigh the flour and the butter, rub them together and add a spoon of sugar. Roll the "
        "dough out, cut it into rounds and put them on a tray. Bake for ten minutes.\n"
    ),
    "a match": (
        "we were two nil down at half time!! then sam scored from a corner and everyone went mad. "
        "their keeper saved a penalty but we got the rebound. final score was three two to us\n\n"
    ),
    "homework": (
        "A volcano is an opening in the crust of the earth. Hot rock rises from below and cools "
        "into stone. Some volcanoes sleep for hundreds of years, and farmers grow grapes there. "
    ),
}


def filler(name: str, length: int) -> str:
    """So many characters of one kind of harmless talk."""
    return (FILLERS[name] * (length // len(FILLERS[name]) + 1))[:length]


def with_disclosure(text: str, share: float) -> str:
    """Return the text with the disclosure after this share of it, between two of its words."""
    at = text.find(" ", int(share * len(text)))
    before, after = (text[:at], text[at:]) if at >= 0 else (text, "")
    return f"{before} {DISCLOSURE}{after}" if share else f"{DISCLOSURE} {text}"


LENGTHS = (5_000, 20_000, 50_000)
IN_PART = 6_000
"""Number of characters of a message of which the encoder reads only some passages."""
WHEREVER = [
    *((name, length, 0.5) for name in FILLERS for length in LENGTHS),
    *(("a day out", length, share) for length in LENGTHS for share in (0.0, 1.0)),
]


@pytest.mark.parametrize(("name", "length", "share"), WHEREVER)
def test_the_lexicon_finds_a_disclosure_wherever_it_is(
    engine: RiskEngine, name: str, length: int, share: float
) -> None:
    found = engine.assess(with_disclosure(filler(name, length), share))

    assert found.severity == Severity.IMMEDIATE
    assert "suicide" in found.categories


@pytest.mark.parametrize(
    ("name", "length"), [*((name, IN_PART) for name in FILLERS), ("a day out", 50_000)]
)
def test_a_disclosure_in_the_middle_is_immediate(
    whole_engine: RiskEngine, name: str, length: int
) -> None:
    found = whole_engine.assess(with_disclosure(filler(name, length), 0.5))

    assert found.severity == Severity.IMMEDIATE
    assert "suicide" in found.categories
    assert "distress" not in found.categories
    assert is_read_in_part(found)


@pytest.mark.parametrize(
    ("name", "length"), [*((name, IN_PART) for name in FILLERS), ("homework", 50_000)]
)
def test_harmless_talk_too_long_to_be_read_whole_is_a_concern_and_says_why(
    whole_engine: RiskEngine, name: str, length: int
) -> None:
    found = whole_engine.assess(filler(name, length))

    assert found.severity == Severity.CONCERN
    assert is_read_in_part(found)


@pytest.mark.parametrize("name", FILLERS)
def test_harmless_talk_that_the_encoder_reads_whole_is_nothing(
    whole_engine: RiskEngine, name: str
) -> None:
    found = whole_engine.assess(filler(name, 1_500))

    assert found.severity == Severity.NONE


def test_a_disclosure_in_a_long_line_of_a_pasted_chat_is_found(whole_engine: RiskEngine) -> None:
    line = with_disclosure(filler("a school day without stops", 8_000), 0.5)

    found = whole_engine.assess(f"sam: hiya\nme: {line}\nsam: ok\nme: yes")

    assert found.severity >= Severity.URGENT
    assert is_read_in_part(found)


def test_all_that_the_gateway_takes_is_read() -> None:
    assert MAX_BODY_BYTES <= MOST_READ


@pytest.fixture(scope="module")
def match(lexicon: Lexicon) -> RuleMatcher:
    return RuleMatcher(lexicon)


@pytest.mark.parametrize("before", range(140))
def test_a_phrase_over_the_edge_of_a_window_is_found(
    lexicon: Lexicon, match: RuleMatcher, before: int
) -> None:
    text = " ".join(["lemon"] * before + ["i want to kill myself"] + ["lemon"] * 150)

    found = {each.rule.id: each for each in match(lexicon.normaliser(text))}

    assert found["suicide-kill-myself"].start == before + 3
    assert found["suicide-kill-myself"].end == before + 5


@pytest.mark.parametrize("before", range(0, 140, 3))
def test_an_idiom_explains_a_phrase_over_the_edge_of_a_window(
    lexicon: Lexicon, match: RuleMatcher, before: int
) -> None:
    for play, fires in (("dad chucked me in the pool", False), ("dad chucked me in", True)):
        text = " ".join(["lemon"] * before + [play] + ["lemon"] * 150)

        found = match(lexicon.normaliser(text))

        assert any(each.rule.kind == "entry" for each in found) == fires


def test_words_far_apart_make_no_combination(engine: RiskEngine) -> None:
    near = "a man i met online is older. " + "he said keep it secret"
    far = "a man i met online is older. " + filler("homework", 30_000) + " he said keep it secret"

    assert any(signal.kind == "combination" for signal in engine.assess(near).signals)
    assert not any(signal.kind == "combination" for signal in engine.assess(far).signals)
