"""The case file as a PDF, to read and to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from staff.audit.trail import Event
from staff.cases import wording as case_wording
from staff.console import wording
from staff.reports import case_file_wording as words
from staff.reports.case_file import CaseFileKind
from staff.reports.pdf import PdfDocument

_SIGNALS = (22, 14, 12, 22, 10, 20)
_HISTORY = (10, 27, 20, 43)
Record = Mapping[str, Any]


def case_file_pdf(record: Record) -> bytes:
    """Return the record of `case_file.case_record` as PDF, with nothing that is not in it."""
    kind, case = CaseFileKind(record["kind"]), record["case"]
    made_at = datetime.fromisoformat(record["made_at"])
    document = PdfDocument(f"{words.KINDS[kind]} {case['reference']}", made_at)
    document.paragraph(words.signed(record["made_by"], record["made_at"]), bold=True)
    document.paragraph(words.REASON.format(reason=record["reason"]))
    document.paragraph(words.ABOUT)
    document.paragraph(words.LETTERS, grey=True)
    document.paragraph(words.TO_VERIFY.format(reference=case["reference"]), grey=True)
    if kind is CaseFileKind.SUBJECT_ACCESS:
        document.heading(words.TO_DECIDE_TITLE)
        for line in words.TO_DECIDE:
            document.paragraph(f"– {line}")
        document.heading(words.LEFT_OUT_TITLE)
        for name in record["left_out"]:
            document.paragraph(f"– {words.LEFT_OUT[name]}")
    for name, add_chapter in _CHAPTERS.items():
        document.heading(words.CONTENTS[name])
        if record[name]:
            add_chapter(document, record)
        else:
            document.paragraph(words.NOTHING)
    return bytes(document.output())


def _case(document: PdfDocument, record: Record) -> None:
    document.facts(words.facts(record["case"]))


def _merged(document: PdfDocument, record: Record) -> None:
    for case in record["merged"]:
        document.facts(words.facts(case))


def _child(document: PdfDocument, record: Record) -> None:
    for each in record["child"]:
        document.quotation(words.detail(each), words.signed(each["by"], each["at"]))


def _links(document: PdfDocument, record: Record) -> None:
    for each in record["links"]:
        document.paragraph(each["reference"], bold=True)
        document.quotation(each["reason"], words.signed(each["by"], each["at"]))


def _chronology(document: PdfDocument, record: Record) -> None:
    for entry in record["chronology"]:
        speaker = words.speaker(entry, record["case"]["audience"])
        line = words.signed(speaker, entry["at"]) if entry["at"] else speaker
        level = f" – {words.severity(entry['severity'])}" if entry["severity"] else ""
        document.quotation(entry["text"], line + level)
        if entry["contacts"]:
            document.paragraph(words.contacts_shown(entry["contacts"]), grey=True)


def _messages(document: PdfDocument, record: Record) -> None:
    for message in record["messages"]:
        at, level = wording.of_record(message["raised_at"]), words.severity(message["severity"])
        document.heading(words.MESSAGE.format(at=at, severity=level), 3)
        document.quotation(message["text"])
        for shown in message["shown"]:
            document.quotation(shown, words.SHOWN)
        document.paragraph(words.contacts_shown(message["contacts"]), grey=True)
        contacts = message["contacts"] or ()
        document.facts((each["id"], f"{each['name']}: “{each['hours']}”") for each in contacts)
        rows = [_signal(message["text"], each) for each in message["signals"]]
        if rows:
            document.grid([words.SIGNAL_COLUMNS, *rows], widths=_SIGNALS)
        document.facts((wording.label(key), value) for key, value in message["extra"].items())


def _signal(text: str, signal: Record) -> tuple[str, ...]:
    named = [text[signal["start"] : signal["end"]], *signal["like"]]
    return (
        wording.SIGNAL_KINDS.get(signal["kind"], wording.label(signal["kind"])),
        wording.label(signal["category"]),
        words.severity(signal["severity"]),
        "\n".join(filter(None, named)),
        f"{signal['weight']:.2f}",
        f"{signal['source']} {signal['version']}",
    )


def _wish(document: PdfDocument, record: Record) -> None:
    wish = record["wish"]
    document.quotation(wish["name"], wording.of_record(wish["at"]))
    document.quotation(wish["reach"])


def _letters(document: PdfDocument, record: Record) -> None:
    for letter in record["letters"]:
        document.quotation(letter["text"], words.signed(letter["by"], letter["at"]))


def _notes(document: PdfDocument, record: Record) -> None:
    for note in record["notes"]:
        document.quotation(note["text"], words.signed(note["by"], note["at"]))


def _files(document: PdfDocument, record: Record) -> None:
    for each in record["files"]:
        document.quotation(each["name"], words.file(each))


def _actions(document: PdfDocument, record: Record) -> None:
    for each in record["actions"]:
        document.quotation(each["what"], words.signed(each["by"], each["at"]))
        document.paragraph(words.action(each))


def _referrals(document: PdfDocument, record: Record) -> None:
    for each in record["referrals"]:
        document.paragraph(words.signed(each["by"], each["at"]), grey=True)
        document.paragraph(words.referral(each), bold=True)
        if each["reference"]:
            document.paragraph(words.THEIR_REFERENCE.format(reference=each["reference"]))
        if each["reason"]:
            document.quotation(each["reason"])


def _reviews(document: PdfDocument, record: Record) -> None:
    for each in record["reviews"]:
        document.paragraph(words.review(each), bold=True)
        # A false alarm that was closed with others may have a reason and no note.
        document.quotation(each["note"] or "–", words.reviewers(each))


def _history(document: PdfDocument, record: Record) -> None:
    rows = [words.HISTORY_COLUMNS]
    for each in record["history"]:
        at = datetime.fromisoformat(each["at"])
        event = Event(at, each["who"], each["what"], detail=each["detail"])
        # The record has the names of staff in place of their ids.
        names = {str(name): str(name) for name in each["detail"].values()}
        who = each["who"] if each["by_staff"] else wording.who(each["who"], {})
        line = case_wording.history_line(event, names)
        rows.append((str(each["number"]), wording.moment(at), who, line))
    document.grid(rows, widths=_HISTORY)


_CHAPTERS: dict[str, Callable[[PdfDocument, Record], None]] = {
    "case": _case,
    "merged": _merged,
    "child": _child,
    "links": _links,
    "chronology": _chronology,
    "messages": _messages,
    "wish": _wish,
    "letters": _letters,
    "notes": _notes,
    "files": _files,
    "actions": _actions,
    "referrals": _referrals,
    "reviews": _reviews,
    "history": _history,
}
