"""`make learn`: turns a verdict of staff into an example.

Without an id it lists the verdicts that have no example yet. With an id it asks the reviewer to
retell the message, adds their sentence to data/risk/training/reviewed.yml and tests/reviewed.jsonl,
and records that in the case's history. It never shows the message itself: staff read it in the
console, which records the access.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import click
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from lab.review.files import ConflictingLabelsError, ReviewedFiles
from lab.review.lessons import Lesson, lessons, record_learned
from lab.review.retelling import HOW, Answers, Ask, RetellingRefusedError, one_of, retell, summary
from safeguarding.clock import LONDON, utc_now
from safeguarding.records import ContentError
from safeguarding.settings import Settings, SettingsError
from staff.accounts.accounts import StaffAccounts
from staff.cases.cases import Cases
from storage.engine import connect
from storage.vault import Vault, VaultError


def learn(
    message_id: str | None,
    options: Mapping[str, str | None],
    *,
    ask: Ask = input,
    files: ReviewedFiles | None = None,
) -> None:
    """List the lessons, or add one. Raises ClickException on failure; then nothing was recorded."""
    try:
        settings = Settings.from_env()
        engine = connect(settings.database_url)
        cases = Cases(engine, Vault.of(settings))
        if message_id is None:
            _list(lessons(engine))
            return
        # A sentence among the options comes from a script, which is asked nothing.
        answers = Answers(options, ask if options["sentence"] is None else None)
        accounts = StaffAccounts(engine)
        _teach(message_id, answers, engine, cases, accounts, files or ReviewedFiles())
    except (
        RetellingRefusedError,
        SettingsError,
        VaultError,
        ContentError,
        ConflictingLabelsError,
    ) as error:
        raise click.ClickException(str(error)) from None
    except OperationalError:
        raise click.ClickException(
            "The database cannot be reached: check LANTERN_DATABASE_URL"
        ) from None
    except OSError as error:
        raise click.ClickException(f"The example could not be written: {error.strerror}") from None
    except (EOFError, KeyboardInterrupt):
        raise click.ClickException("Stopped: nothing was written.") from None


@click.command()
@click.argument("id", required=False)
@click.option("--verdict", help="false_alarm, wrong_level or missed, where staff gave two")
@click.option("--by", help="sign-in name of the reviewer")
@click.option("--sentence", help="the sentence; with it, nothing is asked")
@click.option("--severity", help="of what was missed; else the review decides")
@click.option("--category", help="one or more with commas between, the main one first")
@click.option("--subject", help="whom it is about")
@click.option("--voice", help="who would write it")
@click.option("--kind", help="of a harmless sentence, what sort it is")
@click.option("--situation", help="its name, if not that of the day")
def main(id: str | None, **options: str | None) -> None:  # noqa: A002 - as it is shown
    """Turn a verdict of staff on ID into an example, in the reviewer's own words.

    Without ID it lists the escalations whose verdict waits.
    """
    learn(id, options)


def _list(waiting: Sequence[Lesson]) -> None:
    for lesson in waiting:
        click.echo(f"{lesson.message_id}  {summary(lesson)}")
    click.echo(f"Verdicts that wait to become an example: {len(waiting)}")


def _teach(
    message_id: str,
    answers: Answers,
    engine: Engine,
    cases: Cases,
    accounts: StaffAccounts,
    files: ReviewedFiles,
) -> None:
    lesson = _chosen(lessons(engine), message_id, answers)
    click.echo(f"{summary(lesson)}\n{HOW}")
    by = _staff_id(accounts, answers)
    labelled = retell(lesson, answers, _written(cases, message_id))
    answers.confirm(f"Keep it as {labelled.severity}, {', '.join(labelled.categories)}?")
    situation = files.add(labelled, lesson.verdict, datetime.now(LONDON).date())
    record_learned(engine, lesson, by=by, at=utc_now())
    click.echo(
        f"Kept in {files.examples.name} as {situation}, and in {files.expected.name}.\n"
        "Lantern learns it at its next training. Until it assesses it rightly, "
        "lab/tests/review/test_reviewed.py fails."
    )


def _chosen(waiting: Iterable[Lesson], message_id: str, answers: Answers) -> Lesson:
    verdicts = {each.verdict.value: each for each in waiting if each.message_id == message_id}
    if not verdicts:
        raise RetellingRefusedError(
            "Nothing to learn here: no escalation has this id, it is open, staff agreed with what "
            "was assessed, or there is an example of it already."
        )
    only = next(iter(verdicts)) if len(verdicts) == 1 else ""
    question = "" if only else "Which of its verdicts"
    return verdicts[answers.get("verdict", question, one_of(verdicts), only)]


def _staff_id(accounts: StaffAccounts, answers: Answers) -> str:
    def objection(name: str) -> str | None:
        return None if accounts.named(name) else "There is no account in use with this name."

    member = accounts.named(answers.get("by", "Your sign-in name in the console", objection))
    if member is None:
        raise RetellingRefusedError("The account was shut just now.")
    return member.id


def _written(cases: Cases, message_id: str) -> list[str]:
    """Return all messages of the person, for comparison only."""
    messages = cases.whole(cases.of_message(message_id)).messages
    before = [turn.text for each in messages for turn in each.turns_before if turn.by == "user"]
    return [*(each.text for each in messages), *before]
