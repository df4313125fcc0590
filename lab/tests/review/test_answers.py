"""A command asks for values that no option gives; a script is asked nothing."""

from __future__ import annotations

import pytest

from lab.review.retelling import Answers, Ask, RetellingRefusedError, one_of, some_of

SHAPE = one_of(["round", "flat"])


def saying(*given: str) -> tuple[Ask, list[str]]:
    """Return a person who gives these answers and keeps the questions."""
    left, asked = list(given), []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return left.pop(0)

    return ask, asked


def test_asks_until_the_answer_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    ask, asked = saying("square", " flat ")

    assert Answers({}, ask).get("shape", "Which shape", SHAPE) == "flat"
    assert asked == ["Which shape: "] * 2
    assert capsys.readouterr().out == "Write one of round, flat.\n"


def test_no_answer_is_the_default() -> None:
    ask, asked = saying("")

    assert Answers({}, ask).get("shape", "Which shape", SHAPE, "round") == "round"
    assert asked == ["Which shape [round]: "]


def test_does_not_ask_for_what_an_option_gave() -> None:
    ask, asked = saying()

    assert Answers({"shape": "flat"}, ask).get("shape", "Which shape", SHAPE) == "flat"
    assert asked == []


def test_does_not_ask_without_a_question() -> None:
    ask, asked = saying()

    assert Answers({}, ask).get("shape", "", SHAPE, "flat") == "flat"
    assert asked == []


@pytest.mark.parametrize(("option", "default"), [("square", "flat"), (None, "")])
def test_a_script_is_told_which_option_is_wrong(option: str | None, default: str) -> None:
    with pytest.raises(RetellingRefusedError, match="--shape: Write one of round, flat"):
        Answers({"shape": option}, None).get("shape", "Which shape", SHAPE, default)


def test_several_names_stand_between_commas() -> None:
    objection = some_of(["round", "flat"])

    assert objection("flat, round") is None
    for wrong in ("", "flat,", "square", "flat round"):
        assert objection(wrong) == "Write one or more of round, flat, with commas between."


@pytest.mark.parametrize("answer", ["", "no", "maybe"])
def test_goes_on_only_after_a_yes(answer: str) -> None:
    with pytest.raises(RetellingRefusedError, match="Nothing was written"):
        Answers({}, saying(answer)[0]).confirm("Keep it?")
    Answers({}, saying(" YES ")[0]).confirm("Keep it?")
    Answers({}, None).confirm("Keep it?")
