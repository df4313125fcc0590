"""A note is made of what was chosen, in order, and of nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from chat.gateway.pages import FOLDER
from chat.gateway.say_it import SayItPhrases
from tests.programs import program

GIVEN: dict[str, Any] = {
    "about": "me",
    "people": [
        {"id": "teacher", "label": "A teacher", "advice": "Tell the lead.", "source": "DfE"},
        {"id": "other_adult", "label": "Another", "advice": "Listen.", "source": "NSPCC"},
    ],
    "groups": [
        {"id": "heard", "sentences": [{"id": "a", "me": "About me.", "friend": "About them."}]},
        {"id": "more", "sentences": [{"id": "b", "me": "More."}, {"id": "c", "friend": "Theirs."}]},
    ],
    "wishes": [
        {"id": "listen", "me": "Please listen.", "friend": "Please listen."},
        {"id": "not_yet", "me": "Ask me before {who}.", "friend": "Ask me before {who}."},
    ],
    "headings": [
        {"lang": "en", "text": "Read this."},
        {"lang": "pl", "text": "To wazne."},
    ],
    "phrases": {
        "first": "It's hard to say.",
        "first_friend": "It's about somebody.",
        "wants": "What I'd like:",
        "last": "Thank you.",
        "who_else": "anyone else",
    },
}
CHOSEN = {
    "about": "me", "person": "teacher", "sentences": [], "own": "", "wishes": [], "who": ""
}  # fmt: skip


def made(call: str = "composed(given, chosen)", **chosen: object) -> Any:
    """Return the note of these choices."""
    script = f"""import {{ asText, composed }} from "{FOLDER / "note.mjs"}";
        const given = {json.dumps(GIVEN)}, chosen = {json.dumps({**CHOSEN, **chosen})};
        console.log(JSON.stringify({call}));"""
    command = [program("node"), "--input-type=module", "--eval", script]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_without_a_choice_it_still_says_that_it_is_hard_to_say() -> None:
    note = made(person=None)

    assert note["words"] == ["It's hard to say."]
    assert (note["wants"], note["wishes"]) == ("", [])
    assert note["advice"] == "Listen."


def test_only_what_was_ticked_is_in_it_in_the_order_of_the_page() -> None:
    note = made(sentences=["b", "a"], wishes=["listen"])

    assert note["words"] == ["It's hard to say.", "About me.", "More."]
    assert note["wants"] == "What I'd like:"
    assert note["wishes"] == ["Please listen."]
    assert (note["advice"], note["source"]) == ("Tell the lead.", "DfE")


def test_for_somebody_else_it_speaks_of_them() -> None:
    note = made(about="friend", sentences=["a", "b", "c"])

    assert note["words"] == ["It's about somebody.", "About them.", "Theirs."]


def test_own_words_stand_after_the_sentences_a_paragraph_a_line() -> None:
    note = made(sentences=["a"], own="  first\n\n second <b>$& \n")

    assert note["words"][-3:] == ["About me.", "first", "second <b>$&"]


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("", "Ask me before anyone else."),
        ("  my nan ", "Ask me before my nan."),
        ("$& {who}", "Ask me before $& {who}."),
    ],
)
def test_a_wish_names_who_shall_not_be_told_yet(who: str, says: str) -> None:
    assert made(wishes=["not_yet"], who=who)["wishes"] == [says]


def test_what_is_copied_is_what_is_shown() -> None:
    text = made("asText(composed(given, chosen))", sentences=["a"], own="mine", wishes=["listen"])

    assert text == (
        "Read this.\nTo wazne.\n\nIt's hard to say.\nAbout me.\nmine\n\n"
        "What I'd like:\n- Please listen.\n\nThank you.\n\nTell the lead.\nDfE"
    )


def test_the_scripts_use_each_phrase_that_the_gateway_hands_out() -> None:
    scripts = "".join((FOLDER / name).read_text("utf-8") for name in ("note.mjs", "say_it.mjs"))
    used = set(re.findall(r"phrases\.(\w+)", scripts))
    by_id = {"heard", "more", "happening", "detail"}
    of_the_gateway = {"intro", "intro_adult", "source"}

    assert used | by_id | of_the_gateway == set(SayItPhrases.__struct_fields__)
    assert not (used & of_the_gateway)
