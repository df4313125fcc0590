"""The case file: one record of a case, its hash on the audit trail, the reason sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from pypdf import PdfReader
from sqlalchemy.engine import Engine

from safeguarding.escalation import Outcome
from staff.audit import trail
from staff.cases.case import Referral, WholeCase
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import Casework, ClosingDecision, WordsMissingError
from staff.cases.child import ChildDetails, DetailKind
from staff.cases.links import CaseLinks
from staff.cases.merging import CaseMerge
from staff.cases.tables import case_notes
from staff.reports import case_file
from staff.reports.case_file import CaseFileKind, ReleaseLog, as_json, case_record, people_in
from staff.reports.case_file_pdf import case_file_pdf
from tests.records import (
    CHILDLINE,
    KEYS,
    MASH,
    NOON,
    SECRECY,
    WORDS,
    Clock,
    EscalationLog,
    assessment,
    escalation,
    vault,
)

HOSTILE = "i cant 😭 \ud83d \u202eevil\x00 أنا خائف"
EXPLAINED = replace(SECRECY, kind="model", weight=0.8, like=("a sentence of our own",))


@pytest.fixture
def releases(engine: Engine, clock: Clock) -> ReleaseLog:
    return ReleaseLog(engine, vault(), clock)


@pytest.fixture
def whole(engine: Engine, log: EscalationLog, cases: Cases, ann: str, clock: Clock) -> WholeCase:
    """Return a case with all kinds of records, and another case merged into it."""
    work = Casework(engine, vault(), clock)
    explained = replace(assessment(), signals=(EXPLAINED,))
    log.record(escalation(assessment=explained, contacts=(CHILDLINE, MASH)))
    later = NOON + timedelta(minutes=1)
    log.record(escalation("m2", text=HOSTILE, raised_at=later, age=13, facts=("weapon",)))
    log.record(escalation("other", conversation_id="c2", text="about my friend"))
    CaseMerge(engine, vault(), clock).merge("c2", "c1", by=ann)
    work.note("c1", "rang the school", by=ann)
    work.refer("c1", Referral("police", "telephone", clock(), "CRN 7", "at once"), by=ann)
    work.close("c1", ClosingDecision(Outcome.REFERRED_POLICE, "Called 101."), by=ann)
    # A case with an open task is not closed.
    work.add_action("c1", "ring again", date(2026, 11, 27), by=ann)
    return cases.whole("c1")


def record_of(
    whole: WholeCase, kind: CaseFileKind = CaseFileKind.CASE_PACK, name: str = "Ann"
) -> dict[str, Any]:
    people = {each: name for each in people_in(whole) if len(each) == 36}
    facts = {"kind": kind, "made_at": NOON, "made_by": "x", "reason": "a conference"}
    return case_record(whole, people, said="Age 13 · A weapon", **facts)


def test_the_record_holds_everything(whole: WholeCase) -> None:
    record = record_of(whole)
    assert record["case"]["reference"] == whole.case.reference
    assert record["case"]["said"] == "Age 13 · A weapon"
    (second,) = (each for each in record["messages"] if each["message_id"] == "m2")
    assert (second["age"], second["facts"]) == (13, ["weapon"])
    assert {each["text"] for each in record["messages"]} == {WORDS, HOSTILE, "about my friend"}
    assert record["messages"][0]["signals"][0]["like"] == ["a sentence of our own"]
    assert record["messages"][0]["shown"] == ["You did the right thing."]
    assert record["chronology"][0] == {
        "by": "user", "text": "hi", "at": None, "message_id": None, "severity": None,
        "shown": False, "live": None, "contacts": None,
    }  # fmt: skip
    noted = [asdict(CHILDLINE), asdict(MASH)]
    assert record["messages"][0]["contacts"] == noted
    assert record["messages"][1]["contacts"] is None
    assert [each["contacts"] for each in record["chronology"] if each["contacts"]] == [noted]
    assert [each["text"] for each in record["notes"]] == ["rang the school"]
    assert record["actions"][0]["due_on"] == "2026-11-27"
    assert record["referrals"][0]["reference"] == "CRN 7"
    assert record["reviews"][0]["note"] == "Called 101."
    assert [each["reference"] for each in record["merged"]] == [whole.merged[0].reference]
    assert "outcome recorded" in {each["what"] for each in record["history"]}
    assert {each["by"] for each in record["notes"]} == {"Ann"}


def test_what_staff_know_of_the_child_and_linked_cases_are_in_the_pack_and_no_link_in_an_export(
    engine: Engine, cases: Cases, whole: WholeCase, log: EscalationLog, ann: str
) -> None:
    log.record(escalation("m9", conversation_id="c9"))
    ChildDetails(engine, vault()).record("c1", DetailKind.AGE, "13", by=ann)
    links = CaseLinks(engine, vault())
    links.link("c1", "c9", "Same street.", by=ann, areas=None)
    known = replace(cases.whole("c1"), links=tuple(links.of_case("c1", None)))

    pack, export = record_of(known), record_of(known, CaseFileKind.SUBJECT_ACCESS)

    (detail,), (link,) = pack["child"], pack["links"]
    assert (detail["kind"], detail["value"], detail["by"]) == ("age", "13", "Ann")
    assert (link["reference"], link["reason"]) == (cases.find("c9").reference, "Same street.")
    assert export["links"] == []
    assert "Same street." in "".join(
        page.extract_text() for page in PdfReader(BytesIO(case_file_pdf(pack))).pages
    )


def test_no_letter_is_lost_in_the_file(whole: WholeCase) -> None:
    read = json.loads(as_json(record_of(whole)))
    assert HOSTILE in {each["text"] for each in read["messages"]}


def test_an_export_for_its_subject_leaves_out_what_is_other_peoples(
    cases: Cases, whole: WholeCase, ann: str
) -> None:
    own = cases.whole("c1", with_merged=False)
    record = record_of(own, CaseFileKind.SUBJECT_ACCESS, "Reviewer 1")
    text = json.dumps(record)
    assert "about my friend" not in text
    assert ann not in text
    assert "a sentence of our own" not in text
    assert WORDS in text
    assert "rang the school" in text
    assert set(record["left_out"]) == {
        "staff_names",
        "machines",
        "examples",
        "merged_cases",
        "linked_cases",
    }
    assert "a sentence of our own" in json.dumps(record_of(whole))


def test_merged_cases_that_were_asked_for_are_not_said_to_be_left_out(whole: WholeCase) -> None:
    record = record_of(whole, CaseFileKind.SUBJECT_ACCESS)
    assert "about my friend" in json.dumps(record)
    assert "merged_cases" not in record["left_out"]


def test_what_leaves_is_on_the_trail_with_its_hash_and_the_reason_is_sealed(
    releases: ReleaseLog, whole: WholeCase, cases: Cases, ann: str, engine: Engine
) -> None:
    facts = {"kind": CaseFileKind.CASE_PACK, "form": "pdf", "by": ann}
    digest = releases.record("c1", b"a file", reason="for the conference", **facts)

    assert digest == hashlib.sha256(b"a file").hexdigest()
    (known,) = releases.of_case("c1")
    assert (known.sha256, known.by, known.kind, known.form) == (
        digest, ann, CaseFileKind.CASE_PACK, "pdf",
    )  # fmt: skip
    assert cases.whole("c1").notes[-1].text == "for the conference"
    with engine.connect() as connection:
        kept = connection.execute(sa.select(case_notes.c.text)).scalars().all()
        events = [link.event.detail for link in trail.of_case(connection, "c1")]
    assert "conference" not in json.dumps([kept, events])
    assert whole.case.id == "c1"


@pytest.mark.parametrize("reason", ["", " \n"])
def test_nothing_leaves_without_a_reason(
    releases: ReleaseLog, whole: WholeCase, ann: str, reason: str
) -> None:
    with pytest.raises(WordsMissingError):
        releases.record("c1", b"x", kind=CaseFileKind.CASE_PACK, form="json", reason=reason, by=ann)
    assert releases.of_case(whole.case.id) == []


def test_an_unknown_case_has_no_file(releases: ReleaseLog, ann: str) -> None:
    with pytest.raises(UnknownCaseError):
        releases.record("c9", b"x", kind=CaseFileKind.CASE_PACK, form="json", reason="why", by=ann)


@pytest.fixture
def verified(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> Callable[[bytes, str], tuple[int, str]]:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path))

    def verify(content: bytes, reference: str) -> tuple[int, str]:
        file = tmp_path / "pack.json"
        file.write_bytes(content)
        result = CliRunner().invoke(case_file.main, [str(file), reference])
        return result.exit_code, result.output

    return verify


def test_a_pack_is_verified_and_a_changed_one_is_not(
    releases: ReleaseLog,
    whole: WholeCase,
    ann: str,
    verified: Callable[[bytes, str], tuple[int, str]],
) -> None:
    pack, reference = as_json(record_of(whole)), whole.case.reference
    releases.record("c1", pack, kind=CaseFileKind.CASE_PACK, form="json", reason="why", by=ann)

    assert verified(pack, reference)[0] == 0
    assert verified(pack, reference.lower().replace("-", ""))[0] == 0
    code, said = verified(pack.replace(b"Called 101", b"Called 999"), reference)
    assert (code, "no such export" in said) == (1, True)
    assert verified(pack, whole.merged[0].reference)[0] == 1
    assert verified(pack, "LN-0000-0000")[0] == 1
