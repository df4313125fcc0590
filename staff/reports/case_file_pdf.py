"""The case file as a PDF, to read and to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from staff.audit.trail import Event
from staff.cases import wording as case_wording
from staff.console import wording
from staff.reports import case_file_wording
from staff.reports.case_file import CaseFileKind
from staff.reports.pdf import PdfDocument

_SIGNALS = (22, 14, 12, 22, 10, 20)
_HISTORY = (10, 27, 20, 43)


def case_file_pdf(record: Mapping[str, Any]) -> bytes:
    """Return the record of `case_file.case_record` as PDF, with nothing that is not in it."""
    kind, case = CaseFileKind(record["kind"]), record["case"]
    title = f"{case_file_wording.KINDS[kind]} {case['reference']}"
    document = PdfDocument(
        title,
        marking=case_file_wording.MARKING,
        made_at=datetime.fromisoformat(record["made_at"]),
        page_label=case_file_wording.PAGE,
    )
    document.heading(title, 1)
    document.paragraph(case_file_wording.signed(record["made_by"], record["made_at"]), bold=True)
    document.paragraph(case_file_wording.REASON.format(reason=record["reason"]))
    document.paragraph(case_file_wording.ABOUT)
    document.paragraph(case_file_wording.LETTERS, grey=True)
    document.paragraph(case_file_wording.TO_VERIFY.format(reference=case["reference"]), grey=True)
    if kind is CaseFileKind.SUBJECT_ACCESS:
        _add_left_out(document, record)
    for name, chapter in _CHAPTERS.items():
        document.heading(case_file_wording.CONTENTS[name])
        if record[name]:
            chapter(document, record)
        else:
            document.paragraph(case_file_wording.NOTHING)
    return bytes(document.output())


def _add_left_out(document: PdfDocument, record: Mapping[str, Any]) -> None:
    document.heading(case_file_wording.TO_DECIDE_TITLE)
    for words in case_file_wording.TO_DECIDE:
        document.paragraph(f"– {words}")
    document.heading(case_file_wording.LEFT_OUT_TITLE)
    for name in record["left_out"]:
        document.paragraph(f"– {case_file_wording.LEFT_OUT[name]}")


def _case(document: PdfDocument, record: Mapping[str, Any]) -> None:
    document.facts(case_file_wording.facts(record["case"]))


def _merged(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for case in record["merged"]:
        document.facts(case_file_wording.facts(case))


def _chronology(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for entry in record["chronology"]:
        speaker = case_file_wording.speaker(entry["by"], record["case"]["audience"])
        line = case_file_wording.signed(speaker, entry["at"]) if entry["at"] else speaker
        level = f" – {case_file_wording.severity(entry['severity'])}" if entry["severity"] else ""
        document.quotation(entry["text"], line + level)
        if entry["contacts"]:
            document.paragraph(case_file_wording.contacts_shown(entry["contacts"]), grey=True)


def _messages(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for message in record["messages"]:
        at = case_file_wording.fact("raised_at", message["raised_at"])
        level = case_file_wording.severity(message["severity"])
        document.heading(case_file_wording.MESSAGE.format(at=at, severity=level), 3)
        document.quotation(message["text"])
        for shown in message["shown"]:
            document.quotation(shown, case_file_wording.SHOWN)
        document.paragraph(case_file_wording.contacts_shown(message["contacts"]), grey=True)
        if message["contacts"]:
            document.facts(case_file_wording.contact(each) for each in message["contacts"])
        rows = [_signal(message["text"], each) for each in message["signals"]]
        if rows:
            document.grid([case_file_wording.SIGNAL_COLUMNS, *rows], widths=_SIGNALS)
        extra = [(wording.label(key), value) for key, value in message["extra"].items()]
        if extra:
            document.facts(extra)


def _signal(text: str, signal: Mapping[str, Any]) -> tuple[str, ...]:
    kind = wording.SIGNAL_KINDS.get(signal["kind"], wording.label(signal["kind"]))
    words = [text[signal["start"] : signal["end"]], *signal["like"]]
    return (
        kind,
        wording.label(signal["category"]),
        case_file_wording.severity(signal["severity"]),
        "\n".join(filter(None, words)),
        f"{signal['weight']:.2f}",
        f"{signal['source']} {signal['version']}",
    )


def _wish(document: PdfDocument, record: Mapping[str, Any]) -> None:
    wish = record["wish"]
    document.quotation(wish["name"], case_file_wording.fact("raised_at", wish["at"]))
    document.quotation(wish["reach"])


def _notes(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for note in record["notes"]:
        document.quotation(note["text"], case_file_wording.signed(note["by"], note["at"]))


def _actions(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for each in record["actions"]:
        document.quotation(each["what"], case_file_wording.signed(each["by"], each["at"]))
        done = case_file_wording.action(each["done_at"], each["done_by"], each["due_on"])
        document.paragraph(done)


def _referrals(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for each in record["referrals"]:
        document.paragraph(case_file_wording.signed(each["by"], each["at"]), grey=True)
        document.paragraph(
            case_file_wording.referral(each["to_whom"], each["how"], each["made_at"]), bold=True
        )
        if each["reference"]:
            document.paragraph(case_file_wording.their_reference(each["reference"]))
        if each["reason"]:
            document.quotation(each["reason"])


def _reviews(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for each in record["reviews"]:
        outcome = case_file_wording.outcome(each["outcome"])
        words = case_file_wording.review(outcome, each["severity"], missed=each["missed"])
        document.paragraph(words, bold=True)
        signed = case_file_wording.signed(each["by"], each["at"])
        document.quotation(each["note"], signed + case_file_wording.agreed(each["second_by"]))


def _history(document: PdfDocument, record: Mapping[str, Any]) -> None:
    rows = [case_file_wording.HISTORY_COLUMNS]
    for each in record["history"]:
        at = case_file_wording.fact("raised_at", each["at"])
        # The record has the names of staff in place of their ids.
        names = {str(name): str(name) for name in each["detail"].values()}
        event = Event(
            datetime.fromisoformat(each["at"]), each["who"], each["what"], detail=each["detail"]
        )
        who = each["who"] if each["by_staff"] else wording.who(each["who"], {})
        rows.append((str(each["number"]), at, who, case_wording.history_line(event, names)))
    document.grid(rows, widths=_HISTORY)


_CHAPTERS: dict[str, Callable[[PdfDocument, Mapping[str, Any]], None]] = {
    "case": _case,
    "merged": _merged,
    "chronology": _chronology,
    "messages": _messages,
    "wish": _wish,
    "notes": _notes,
    "actions": _actions,
    "referrals": _referrals,
    "reviews": _reviews,
    "history": _history,
}
