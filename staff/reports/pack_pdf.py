"""A record of a case as a document to read and to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from staff.audit.trail import Event
from staff.reports.pack import ExportKind
from staff.cases import wording as case_wording
from staff.reports import exports_wording
from staff.console import wording
from staff.reports.pdf import PdfDocument

_SIGNALS = (22, 14, 12, 22, 10, 20)
_HISTORY = (10, 27, 20, 43)


def pack_pdf(record: Mapping[str, Any]) -> bytes:
    """The document of `pack.case_record`: nothing that is not in the record."""
    kind, case = ExportKind(record["kind"]), record["case"]
    title = f"{exports_wording.KINDS[kind]} {case['reference']}"
    document = PdfDocument(
        title,
        marking=exports_wording.MARKING,
        made_at=datetime.fromisoformat(record["made_at"]),
        page_label=exports_wording.PAGE,
    )
    document.heading(title, 1)
    document.paragraph(exports_wording.signed(record["made_by"], record["made_at"]), bold=True)
    document.paragraph(exports_wording.REASON.format(reason=record["reason"]))
    document.paragraph(exports_wording.ABOUT)
    document.paragraph(exports_wording.LETTERS, grey=True)
    document.paragraph(exports_wording.TO_VERIFY.format(reference=case["reference"]), grey=True)
    if kind is ExportKind.SUBJECT_ACCESS:
        _add_left_out(document, record)
    for name, chapter in _CHAPTERS.items():
        document.heading(exports_wording.CONTENTS[name])
        if record[name]:
            chapter(document, record)
        else:
            document.paragraph(exports_wording.NOTHING)
    return bytes(document.output())


def _add_left_out(document: PdfDocument, record: Mapping[str, Any]) -> None:
    document.heading(exports_wording.TO_DECIDE_TITLE)
    for words in exports_wording.TO_DECIDE:
        document.paragraph(f"– {words}")
    document.heading(exports_wording.LEFT_OUT_TITLE)
    for name in record["left_out"]:
        document.paragraph(f"– {exports_wording.LEFT_OUT[name]}")


def _case(document: PdfDocument, record: Mapping[str, Any]) -> None:
    document.facts(exports_wording.facts(record["case"]))


def _merged(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for case in record["merged"]:
        document.facts(exports_wording.facts(case))


def _chronology(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for said in record["chronology"]:
        speaker = exports_wording.speaker(said["by"], record["case"]["audience"])
        line = exports_wording.signed(speaker, said["at"]) if said["at"] else speaker
        level = f" – {exports_wording.severity(said['severity'])}" if said["severity"] else ""
        document.quotation(said["text"], line + level)
        if said["contacts"]:
            document.paragraph(exports_wording.contacts_shown(said["contacts"]), grey=True)


def _messages(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for message in record["messages"]:
        at = exports_wording.fact("raised_at", message["raised_at"])
        level = exports_wording.severity(message["severity"])
        document.heading(exports_wording.MESSAGE.format(at=at, severity=level), 3)
        document.quotation(message["text"])
        for shown in message["shown"]:
            document.quotation(shown, exports_wording.SHOWN)
        document.paragraph(exports_wording.contacts_shown(message["contacts"]), grey=True)
        if message["contacts"]:
            document.facts(exports_wording.contact(each) for each in message["contacts"])
        rows = [_signal(message["text"], each) for each in message["signals"]]
        if rows:
            document.grid([exports_wording.SIGNAL_COLUMNS, *rows], widths=_SIGNALS)
        extra = [(wording.label(key), value) for key, value in message["extra"].items()]
        if extra:
            document.facts(extra)


def _signal(text: str, signal: Mapping[str, Any]) -> tuple[str, ...]:
    kind = wording.SIGNAL_KINDS.get(signal["kind"], wording.label(signal["kind"]))
    words = [text[signal["start"] : signal["end"]], *signal["like"]]
    return (
        kind,
        wording.label(signal["category"]),
        exports_wording.severity(signal["severity"]),
        "\n".join(filter(None, words)),
        f"{signal['weight']:.2f}",
        f"{signal['source']} {signal['version']}",
    )


def _wish(document: PdfDocument, record: Mapping[str, Any]) -> None:
    wish = record["wish"]
    document.quotation(wish["name"], exports_wording.fact("raised_at", wish["at"]))
    document.quotation(wish["reach"])


def _notes(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for note in record["notes"]:
        document.quotation(note["text"], exports_wording.signed(note["by"], note["at"]))


def _actions(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for each in record["actions"]:
        document.quotation(each["what"], exports_wording.signed(each["by"], each["at"]))
        done = exports_wording.action(each["done_at"], each["done_by"], each["due_on"])
        document.paragraph(done)


def _referrals(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for each in record["referrals"]:
        document.paragraph(exports_wording.signed(each["by"], each["at"]), grey=True)
        document.paragraph(
            exports_wording.referral(each["to_whom"], each["how"], each["made_at"]), bold=True
        )
        if each["reference"]:
            document.paragraph(exports_wording.their_reference(each["reference"]))
        if each["reason"]:
            document.quotation(each["reason"])


def _reviews(document: PdfDocument, record: Mapping[str, Any]) -> None:
    for each in record["reviews"]:
        outcome = exports_wording.outcome(each["outcome"])
        words = exports_wording.found(outcome, each["severity"], missed=each["missed"])
        document.paragraph(words, bold=True)
        signed = exports_wording.signed(each["by"], each["at"])
        document.quotation(each["note"], signed + exports_wording.agreed(each["second_by"]))


def _history(document: PdfDocument, record: Mapping[str, Any]) -> None:
    rows = [exports_wording.HISTORY_COLUMNS]
    for each in record["history"]:
        at = exports_wording.fact("raised_at", each["at"])
        # The names of staff stand in the record already.
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
