"""The command turns a verdict into an example, records that, and shows no message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest
from sqlalchemy.engine import Engine

from lab.review.files import Expected, ReviewedFiles, read_expected
from lab.review.learn import learn, main
from lab.review.lessons import Verdict, lessons
from safeguarding.corpus import Example, read_examples
from safeguarding.escalation import Outcome
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import StaffAccounts
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from tests.records import KEYS, EscalationLog, assessment, escalation

TOLD = "he said dont tell ur mum about the surprise party on sunday"
EARLIER = "my uncle comes into my room at night"
OWN = "my sister wants me to keep her birthday cake a secret from dad"
EMPTY = "groups: []\n"


@dataclass
class Desk:
    """Runs the command with prepared answers and keeps its output."""

    files: ReviewedFiles
    capsys: pytest.CaptureFixture[str]
    said: str = ""

    def run(self, *arguments: str, answers: tuple[str, ...] = ()) -> int:
        left = list(answers)

        def ask(prompt: str) -> str:
            if not left:
                raise EOFError
            return left.pop(0)

        options = main.make_context("learn", list(arguments)).params
        try:
            learn(options.pop("id"), options, ask=ask, files=self.files)
        except click.ClickException as error:
            error.show()
            return 1
        finally:
            captured = self.capsys.readouterr()
            self.said = captured.out + captured.err
            assert not left
        return 0

    def kept(self) -> list[Example]:
        return read_examples(self.files.examples.parent.parent)


@pytest.fixture
def desk(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    folder = tmp_path / "risk"
    (folder / "training").mkdir(parents=True)
    (folder / "writers.yml").write_text("reviewed: {part: training, briefs: []}", "utf-8")
    (folder / "training" / "reviewed.yml").write_text(EMPTY, "utf-8")
    return Desk(
        ReviewedFiles(folder / "training" / "reviewed.yml", tmp_path / "reviewed.jsonl"), capsys
    )


Close = Callable[..., EscalationLog]


@pytest.fixture
def closed(log: EscalationLog, casework: Casework, ann: str, bob: str) -> Close:
    """Record an urgent message and close its case: Ann proposes, Bob agrees."""

    def close(
        outcome: Outcome = Outcome.FALSE_ALARM,
        severity: Severity | None = None,
        *,
        missed: bool = False,
        message_id: str = "m1",
        case_id: str = "c1",
    ) -> EscalationLog:
        before = (Turn("user", EARLIER), Turn("assistant", "Thank you for telling me about it."))
        told = escalation(message_id, conversation_id=case_id, text=TOLD, turns_before=before)
        log.record(replace(told, assessment=assessment(Severity.URGENT)))
        casework.close(case_id, ClosingDecision(outcome, "NOTE", severity, missed), by=ann)
        casework.answer_closing(case_id, agree=True, by=bob)
        return log

    return close


@pytest.fixture
def false_alarm(closed: Close) -> EscalationLog:
    """Record an urgent message, and close its case as a false alarm."""
    return closed()


def test_the_list_shows_no_words_of_a_message(desk: Desk, false_alarm: EscalationLog) -> None:
    assert desk.run() == 0
    assert desk.said == (
        "m1  2026-11-25  false alarm: assessed as urgent, found none by staff; grooming\n"
        "Verdicts that wait to become an example: 1\n"
    )


def test_an_empty_list_says_so(desk: Desk, log: EscalationLog) -> None:
    assert desk.run() == 0
    assert desk.said == "Verdicts that wait to become an example: 0\n"


@pytest.mark.usefixtures("false_alarm")
def test_a_reviewer_retells_a_false_alarm(desk: Desk, cases: Cases, ann: str) -> None:
    answers = ("ann", OWN, "", "self", "", "family", "yes")

    assert desk.run("m1", answers=answers) == 0

    (example,) = desk.kept()
    assert (example.text, example.severity, example.near) == (OWN, Severity.NONE, ("grooming",))
    assert (example.subject, example.voice, example.kind) == ("self", "young_person", "family")
    assert example.situation.startswith("review-")
    assert example.part == "training"
    assert read_expected(desk.files.expected) == [Expected(OWN, "none", Verdict.FALSE_ALARM)]
    last = cases.whole("c1").history[-1].event
    assert (last.who, last.what, last.message_id) == (ann, CaseEvent.LEARNED, "m1")
    assert desk.run() == 0
    assert "example: 0" in desk.said


def test_no_file_and_no_output_holds_what_a_person_wrote(
    desk: Desk, false_alarm: EscalationLog
) -> None:
    desk.run("m1", answers=("ann", TOLD, EARLIER, OWN, "", "", "", "", "yes"))

    kept = desk.files.examples.read_text("utf-8") + desk.files.expected.read_text("utf-8")
    for words in ("surprise party", "my uncle", "NOTE", "m1", "c1"):
        assert words not in kept
    for words in ("surprise party", "my uncle", "NOTE"):
        assert words not in desk.said
    assert desk.said.count("words in common") == 2


def test_a_script_gives_everything_by_options(desk: Desk, closed: Close) -> None:
    closed(Outcome.ADVICE_GIVEN, Severity.CONCERN)
    options = {
        "--by": "ann",
        "--sentence": OWN,
        "--severity": "concern",
        "--category": "emotional_abuse,distress",
        "--subject": "friend",
        "--voice": "parent",
        "--situation": "kept-from-dad",
    }

    assert desk.run("m1", *(part for pair in options.items() for part in pair)) == 0

    (example,) = desk.kept()
    assert (example.severity, example.categories) == (
        Severity.CONCERN,
        ("emotional_abuse", "distress"),
    )
    assert (example.situation, example.voice, example.subject) == (
        "kept-from-dad",
        "parent",
        "friend",
    )
    assert read_expected(desk.files.expected) == [Expected(OWN, "concern", Verdict.WRONG_LEVEL)]


def test_a_script_needs_only_the_reviewer_and_the_sentence(
    desk: Desk, false_alarm: EscalationLog
) -> None:
    assert desk.run("m1", "--by", "ann", "--sentence", OWN) == 0
    assert [example.kind for example in desk.kept()] == ["near_miss"]


def test_the_reviewer_sets_the_level_of_a_missed_message(desk: Desk, closed: Close) -> None:
    closed(Outcome.ADVICE_GIVEN, missed=True)
    answers = ("ann", OWN, "none", "immediate", "sexual_abuse", "", "", "yes")

    assert desk.run("m1", answers=answers) == 0
    assert read_expected(desk.files.expected) == [Expected(OWN, "immediate", Verdict.MISSED)]


def test_two_verdicts_on_one_escalation_are_taught_one_by_one(
    engine: Engine, desk: Desk, log: EscalationLog, closed: Close
) -> None:
    closed(missed=True)
    script = ("m1", "--by", "ann", "--sentence", OWN)

    assert desk.run(*script) == 1
    assert "--verdict: Write one of false_alarm, missed" in desk.said
    assert desk.run(*script, "--verdict", "missed", "--severity", "urgent") == 0
    assert [lesson.verdict for lesson in lessons(engine)] == [Verdict.FALSE_ALARM]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--sentence", TOLD, "--by", "ann"), "words in common with what the person wrote"),
        (("--sentence", EARLIER, "--by", "ann"), "words in common with what the person wrote"),
        (("--sentence", OWN), "--by: There is no account in use"),
        (("--sentence", OWN, "--by", "nobody"), "--by: There is no account in use"),
        (("--sentence", OWN, "--by", "ann", "--severity", "urgent"), "the review decides"),
        (("--sentence", OWN, "--by", "ann", "--category", "theft"), "--category: Write one"),
        (("--sentence", OWN, "--by", "ann", "--kind", "joke"), "--kind: Write one"),
        (("--sentence", OWN, "--by", "ann", "--subject", "dog"), "--subject: Write one"),
        (("--sentence", OWN, "--by", "ann", "--situation", "case-0712"), "small letters"),
    ],
)
def test_a_script_that_asks_for_something_wrong_changes_nothing(
    engine: Engine, desk: Desk, false_alarm: EscalationLog, options: tuple[str, ...], why: str
) -> None:
    assert desk.run("m1", *options) == 1

    assert why in desk.said
    assert desk.files.examples.read_text("utf-8") == EMPTY
    assert not desk.files.expected.exists()
    assert len(lessons(engine)) == 1


@pytest.mark.parametrize("last", [("no",), ()])
def test_a_reviewer_who_stops_changes_nothing(
    engine: Engine, desk: Desk, false_alarm: EscalationLog, last: tuple[str, ...]
) -> None:
    assert desk.run("m1", answers=("ann", OWN, "", "", "", "", *last)) == 1

    assert "othing was written" in desk.said
    assert desk.kept() == []
    assert len(lessons(engine)) == 1


def test_an_escalation_with_nothing_to_learn_says_why(desk: Desk, closed: Close) -> None:
    closed(Outcome.CONTACTED_PERSON)
    for unknown in ("m1", "nobody"):
        assert desk.run(unknown, "--by", "ann", "--sentence", OWN) == 1
        assert "Nothing to learn here" in desk.said


def test_a_disabled_account_teaches_nothing(
    desk: Desk, false_alarm: EscalationLog, accounts: StaffAccounts
) -> None:
    accounts.disable("ann")

    assert desk.run("m1", "--by", "ann", "--sentence", OWN) == 1
    assert desk.kept() == []


def test_a_run_that_was_cut_short_before_the_note_can_be_run_again(
    desk: Desk, closed: Close
) -> None:
    closed()
    desk.run("m1", "--by", "ann", "--sentence", OWN)
    # The same verdict again, as if the history had not been written.
    closed(message_id="m2", case_id="c2")

    assert desk.run("m2", "--by", "ann", "--sentence", OWN) == 0
    assert len(desk.kept()) == len(read_expected(desk.files.expected)) == 1


def test_a_missing_file_is_named_and_nothing_is_noted(
    engine: Engine, desk: Desk, false_alarm: EscalationLog
) -> None:
    desk.files.examples.unlink()

    assert desk.run("m1", "--by", "ann", "--sentence", OWN) == 1
    assert "reviewed.yml:1: No such file" in desk.said
    assert len(lessons(engine)) == 1


def test_says_which_setting_is_in_the_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    assert desk.run() == 1
    assert "LANTERN_DATABASE_URL" in desk.said

    monkeypatch.setenv("LANTERN_DATABASE_URL", "sqlite:////nowhere/else.db")
    monkeypatch.delenv("LANTERN_FIELD_KEYS")
    assert desk.run() == 1
    assert "field_keys" in desk.said
