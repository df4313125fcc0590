"""What is said of a pasted chat: each sign once, its line quoted, no more than one can bear."""

from __future__ import annotations

from datetime import date, timedelta

from safeguarding.content.chat_signs import LONGEST_QUOTE, MOST_SIGNS, Shown
from safeguarding.content.items import Showing, nothing_approved
from safeguarding.content.reader import read_catalogue
from safeguarding.messages import Message
from safeguarding.taxonomy import SIGNS
from tests.content import real_content

TODAY = date(2026, 11, 25)
WORDS = real_content().chat_signs.by_reader["young_person"]


def message(*shown: Shown, today: date = TODAY) -> Message:
    found = real_content().chat_signs.message(shown, None, Showing(today))
    assert found is not None
    return found


def test_a_sign_is_said_once_with_its_first_line() -> None:
    text = message(Shown("secrecy", "dont tell"), Shown("secrecy", "delete this"))["text"]

    assert text.count(WORDS.signs["secrecy"]) == 1
    assert "“dont tell”" in text
    assert "delete this" not in text


def test_the_weightiest_come_first_and_the_rest_is_left_out() -> None:
    text = message(*(Shown(sign, sign) for sign in SIGNS))["text"]

    places = [text.find(f"“{sign}”") for sign in SIGNS]
    assert places[:MOST_SIGNS] == sorted(places[:MOST_SIGNS])
    assert -1 not in places[:MOST_SIGNS]
    assert set(places[MOST_SIGNS:]) == {-1}


def test_a_long_line_is_cut_and_line_breaks_do_not_show() -> None:
    text = message(Shown("secrecy", "dont\ntell " + "anyone " * 100))["text"]

    (quote,) = (part for part in text.split("\n") if part.startswith("“"))
    assert quote.startswith("“dont tell anyone")
    assert quote.endswith(" …”")
    assert len(quote) < LONGEST_QUOTE + 5


def test_a_line_that_is_not_there_is_not_quoted() -> None:
    assert "“" not in message(Shown("secrecy", ""))["text"]


def test_says_what_it_is_and_never_what_somebody_is() -> None:
    for words in real_content().chat_signs.by_reader.values():
        assert "computer program" in words.stands_out
        assert "doesn't prove" in words.not_proof
        assert "groomer" not in words.all.lower()
        assert "0800 1111" in words.all or "0808 800 5000" in words.all
        assert "999" in words.all


def test_it_is_withheld_after_its_review() -> None:
    due = read_catalogue().items["chat_signs"].review_due
    assert due is not None

    assert message(today=due)["review_due"] == due.isoformat()
    assert real_content().chat_signs.message([], None, Showing(due + timedelta(days=1))) is None


def test_it_is_withheld_unless_signed_where_signatures_are_required() -> None:
    signed = read_catalogue().items["chat_signs"].digest

    def approved(content_id: str, digest: str) -> bool:
        return (content_id, digest) == ("chat_signs", signed)

    def asked(approving: bool) -> Message | None:
        known = approved if approving else nothing_approved
        return real_content().chat_signs.message(
            [], None, Showing(TODAY, known, require_approval=True)
        )

    shown = asked(approving=True)
    assert shown is not None
    assert shown["approved"] is True
    assert asked(approving=False) is None


def test_every_button_is_accepted_back() -> None:
    assert all(choice["id"] in real_content().choices for choice in message()["choices"])
    assert message()["choices"][-1]["id"] == "speak_to_someone"
