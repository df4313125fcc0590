"""`python -m safeguarding.escalations.to_example`: turns a verdict of staff into an example.

Without an id it lists what waits. With one it asks the reviewer to retell the message, keeps their
sentence in data/risk/reviewed.yml and tests/reviewed.jsonl, and notes it in its history.
It never shows what a person wrote: that is read in the console, where reading it is recorded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.exc import OperationalError

from safeguarding.escalations import wiring
from safeguarding.escalations.answers import Answers, Ask, RefusedError, one_of
from safeguarding.escalations.deadlines import LONDON
from safeguarding.escalations.learning import Lesson
from safeguarding.escalations.log import EscalationLog
from safeguarding.escalations.retelling import HOW, retold, summary
from safeguarding.escalations.vault import VaultError
from safeguarding.records import ContentError
from safeguarding.risk.reviewed_files import ReviewedFiles, TaughtOtherwiseError
from safeguarding.settings import Settings, SettingsError
from safeguarding.staff import StaffAccounts


def main(
    arguments: Sequence[str] | None = None, *, ask: Ask = input, files: ReviewedFiles | None = None
) -> int:
    """List, or teach one lesson. 1 when that could not be done; then nothing was noted."""
    given = _parser().parse_args(arguments)
    try:
        settings = Settings.from_env()
        log = wiring.escalation_log(settings)
        if given.id is None:
            _list(log.lessons())
            return 0
        # With a sentence among the options a script is at work: it is asked nothing.
        answers = Answers(vars(given), ask if given.sentence is None else None)
        accounts = StaffAccounts(wiring.engine(settings))
        _teach(given.id, answers, log, accounts, files or ReviewedFiles())
    except (RefusedError, SettingsError, VaultError, ContentError, TaughtOtherwiseError) as error:
        return _fail(str(error))
    except OperationalError:
        return _fail("The database cannot be reached: check LANTERN_DATABASE_URL")
    except OSError as error:
        return _fail(f"The example could not be written: {error.strerror}")
    except (EOFError, KeyboardInterrupt):
        return _fail("\nStopped: nothing was written.")
    return 0


def _list(lessons: Sequence[Lesson]) -> None:
    for lesson in lessons:
        sys.stdout.write(f"{lesson.entry.message_id}  {summary(lesson)}\n")
    sys.stdout.write(f"Verdicts that wait to become an example: {len(lessons)}\n")


def _teach(
    message_id: str,
    answers: Answers,
    log: EscalationLog,
    accounts: StaffAccounts,
    files: ReviewedFiles,
) -> None:
    lesson = _chosen(log.lessons(), message_id, answers)
    sys.stdout.write(f"{summary(lesson)}\n{HOW}\n")
    by = _staff_id(accounts, answers)
    labelled = retold(lesson, answers, _written(log, message_id))
    answers.confirm(f"Keep it as {labelled.severity}, {', '.join(labelled.categories)}?")
    situation = files.add(labelled, lesson.verdict, datetime.now(LONDON).date())
    log.learned(lesson, by=by)
    sys.stdout.write(
        f"Kept in {files.examples.name} as {situation}, and in {files.expected.name}.\n"
        "Lantern learns it at its next training. Until it is heard rightly, "
        "tests/contract/test_reviewed.py fails.\n"
    )


def _chosen(lessons: Iterable[Lesson], message_id: str, answers: Answers) -> Lesson:
    mine = {each.verdict.value: each for each in lessons if each.entry.message_id == message_id}
    if not mine:
        raise RefusedError(
            "Nothing to learn here: no escalation has this id, it is open, staff agreed with what "
            "was heard, or there is an example of it already."
        )
    only = next(iter(mine)) if len(mine) == 1 else ""
    question = "" if only else "Which of its verdicts"
    return mine[answers.get("verdict", question, one_of(mine), only)]


def _staff_id(accounts: StaffAccounts, answers: Answers) -> str:
    def objection(name: str) -> str | None:
        return None if accounts.named(name) else "There is no account in use with this name."

    member = accounts.named(answers.get("by", "Your sign-in name in the console", objection))
    if member is None:
        raise RefusedError("The account was shut just now.")
    return member.id


def _written(log: EscalationLog, message_id: str) -> list[str]:
    """All that the person wrote: to compare with, and for nothing else."""
    escalation = log.get(message_id).escalation
    before = [turn.text for turn in escalation.turns_before if turn.by == "user"]
    return [escalation.text, *before]


def _fail(words: str) -> int:
    sys.stderr.write(f"{words}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m safeguarding.escalations.to_example",
        description="Turn a verdict of staff into an example, in the reviewer's own words.",
    )
    parser.add_argument("id", nargs="?", help="an escalation of the list; without it, the list")
    for name, words in {
        "verdict": "false_alarm, wrong_level or missed, where staff gave two",
        "by": "sign-in name of the reviewer",
        "sentence": "the sentence; with it, nothing is asked",
        "severity": "of what was missed; else the review decides",
        "category": "one or more with commas between, the main one first",
        "subject": "whom it is about",
        "voice": "who would write it",
        "kind": "of a harmless sentence, what sort it is",
        "situation": "its name, if not that of the day",
    }.items():
        parser.add_argument(f"--{name}", help=words)
    return parser


if __name__ == "__main__":
    sys.exit(main())
