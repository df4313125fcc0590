"""docs/architecture.md names, in order, the project files that run for one message and one case.

The files are recorded in the real processes (traced/sitecustomize.py), not guessed from imports.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ops.reply import wait_for_screening
from ops.stack import Process, Stack
from safeguarding.taxonomy import ROOT
from tests.integration.client import Person, help_card

MOST_FOR_A_MESSAGE = 91
MOST_FOR_A_CASE = 53
"""Limits that may only fall: a newcomer opens these files to follow one message or one case.
They rose by six each when the letterbox, the note and the new queue came (ADRs 53 to 56), and that
of a message by two: for the further ways to get help on a card, and when the letterbox was parted
into asking for a phrase and coming back with one. It rose by seven when what Rasa and the actions
did became usable without them (ADR 60), and the rules for a message with a risk a module. That of
a case rose by one when the loops that alerts, cases and records share left the alerts."""
ON_A_TIMER = {
    "chat/gateway/duty.py",
    "safeguarding/clock.py",
    "safeguarding/logs.py",
    "staff/alerts/refusal_notices.py",
    "staff/dispatcher/mail_catcher.py",
    "storage/spool.py",
    "storage/spooled_file.py",
}
"""Files that work in the background too; the recording may miss their moment."""
BESIDE = ("Many cases", "While the database is away", "A live chat")
"""Headings of the files that work beside a case, whether there is one or not. Those of a live chat
work beside a message too: it is asked whether a person has the conversation."""
DISCLOSURE = "my stepdad hits me and i dont know what to do"
PATIENCE_S = 30.0
CASE_LINK = re.compile(r'href="(/escalations/[^"?#]+)"')


@dataclass(frozen=True)
class Traced:
    """The running stack, and where its processes write the files that ran."""

    stack: Stack
    folder: Path

    def begin(self, *processes: Process) -> None:
        """Start recording in these processes."""
        for trace in self.folder.glob("*.txt"):
            trace.unlink()
        for process in processes:
            process.send(signal.SIGUSR1)
        time.sleep(0.5)

    def end(self, *processes: Process) -> set[str]:
        """Stop recording; the project files whose functions were called meanwhile."""
        for process in processes:
            process.send(signal.SIGUSR2)
        limit = time.monotonic() + PATIENCE_S
        while len(list(self.folder.glob("*.txt"))) < len(processes):
            assert time.monotonic() < limit, "a process wrote no trace"
            time.sleep(0.1)
        time.sleep(0.5)
        traces = self.folder.glob("*.txt")
        lines = (line for trace in traces for line in trace.read_text("utf-8").split())
        return {line for line in lines if line.endswith(".py")}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    folder = tmp_path_factory.mktemp("traces")
    tracing = {
        "PYTHONPATH": str(Path(__file__).parent / "traced"),
        "TRACED_ROOT": str(ROOT),
        "TRACED_TO": str(folder),
    }
    stack = Stack(tmp_path_factory.mktemp("traced"), tracing)
    stack.setup()
    try:
        stack.start(stack.gateway, stack.console, stack.actions, stack.rasa, stack.dispatcher)
        wait_for_screening(stack.url("gateway"))
        yield Traced(stack, folder)
    finally:
        stack.stop()


def named_under(heading: str) -> list[str]:
    """Return the files that a section of docs/architecture.md lists, in its order."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"`((?!tests/)\w+/[\w/]+\.py)`", section)


def test_the_files_of_one_message_are_the_documented_ones(traced: Traced) -> None:
    stack = traced.stack
    person = Person(stack.url("gateway"), audience="young_person")
    person.say("hello")
    traced.begin(stack.gateway, stack.actions, stack.rasa)
    help_card(person.say(DISCLOSURE))
    ran = traced.end(stack.gateway, stack.actions, stack.rasa)

    named = named_under("One message")
    beside = named_under("A live chat")
    assert sorted(ran - {*named, *beside} - ON_A_TIMER) == [], (
        "files run that the document does not name"
    )
    assert sorted(set(named) - ran - ON_A_TIMER) == [], "the document names files that do not run"
    assert len(named) == len(set(named)) <= MOST_FOR_A_MESSAGE


def test_the_files_of_one_case_are_the_documented_ones(traced: Traced) -> None:
    stack = traced.stack
    console = _signed_in(stack)
    processes = (stack.dispatcher, stack.console)
    traced.begin(*processes)
    Person(stack.url("gateway"), audience="young_person").say(DISCLOSURE)
    limit = time.monotonic() + PATIENCE_S
    while not (
        cases := re.findall(r'href="(/escalations/[^"?#]+)"', console.get("/escalations").text)
    ):
        assert time.monotonic() < limit, "no case has appeared"
        time.sleep(0.2)
    assert console.get(cases[0]).is_success
    ran = traced.end(*processes)

    named = named_under("One case")
    beside = {file for heading in BESIDE for file in named_under(heading)}
    assert sorted(ran - set(named) - beside) == [], "files run that the document does not name"
    assert sorted(set(named) - ran - ON_A_TIMER) == [], "the document names files that do not run"
    assert len(named) == len(set(named)) <= MOST_FOR_A_CASE


def _signed_in(stack: Stack) -> httpx.Client:
    """Sign a safeguarding lead in, with the account that set-up printed."""
    found = re.search(r"password:\s+(\S+)", stack.account)
    assert found, stack.account
    client = httpx.Client(base_url=stack.url("console"), timeout=PATIENCE_S, follow_redirects=True)
    form = {"name": "safeguarding-lead", "password": found[1]}
    answer = client.post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.is_success
    return client
