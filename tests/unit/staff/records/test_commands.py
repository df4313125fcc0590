"""An engineer sees what was given up, sends it again, or leaves it out: all on the trail."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.engine import Engine

from staff.audit import trail
from staff.records.commands import RETRIED, SKIPPED, main
from staff.records.outbox import FAILED, figures, record_events
from tests.records import WORDS, EscalationLog, escalation


@pytest.mark.usefixtures("on")
def test_what_was_given_up_is_listed_left_out_and_sent_again(
    engine: Engine, database_url: str, log: EscalationLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    for number in range(3):
        log.record(escalation(f"m{number}", conversation_id=f"c{number}"))
    with engine.begin() as connection:
        connection.execute(sa.update(record_events).values(status=FAILED, error="HTTP 422"))
        numbers = connection.execute(sa.select(record_events.c.number)).scalars().all()

    def run(*arguments: str) -> list[str]:
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
        return done.output.splitlines()

    listed = run()
    assert [line.split()[0] for line in listed[:-1]] == [str(each) for each in numbers]
    assert listed[-1] == "open: 0 wait, 3 given up, last taken never"
    assert WORDS not in "".join(listed)
    assert run("--skip", str(numbers[0]), "--retry")[-1].startswith("open: 2 wait, 0 given up")
    assert CliRunner().invoke(main, ["--skip", "999"]).exit_code == 1
    with engine.connect() as connection:
        assert figures(connection).queued == 2
        events = [
            each.event for what in (SKIPPED, RETRIED) for each in trail.of_kind(connection, what)
        ]
    assert [(each.detail.get("number"), each.detail.get("events")) for each in events] == [
        (numbers[0], None),
        (None, 2),
    ]
