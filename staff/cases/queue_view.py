"""The queue as a page shows it: the filters in its address, its rows, and its other pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from safeguarding.taxonomy import Severity, taxonomy
from staff.cases.case import Case, CaseStatus
from staff.cases.cases import NOBODY, CaseFilter
from staff.console.pages import HOME, address_of

MINE = "mine"
EVERY_STATUS = "all"
_LONGEST_NUMBER = 6


@dataclass(frozen=True)
class QueueForm:
    """The filters as they stand in the address; what nobody could have chosen counts as empty."""

    status: str = CaseStatus.OPEN.value
    severity: str = ""
    category: str = ""
    need: str = ""
    audience: str = ""
    area: str = ""
    whose: str = ""
    """MINE, NOBODY, or empty for all."""
    overdue: str = ""
    reference: str = ""
    page: int = 1

    @classmethod
    def sent_in(cls, sent: Mapping[str, str], areas: list[str]) -> QueueForm:
        """Read the query of an address; `areas` are those there are cases of."""
        names = taxonomy()
        allowed = {
            "status": [*(each.value for each in CaseStatus), EVERY_STATUS],
            "severity": [each.label for each in Severity],
            "category": list(names.risk_categories),
            "need": list(names.needs),
            "audience": list(names.audiences),
            "area": areas,
            "whose": [MINE, NOBODY],
            "overdue": ["yes"],
        }
        chosen = {name: sent[name] for name, values in allowed.items() if sent.get(name) in values}
        reference = sent.get("reference", "").strip()[:40]
        return cls(**chosen, reference=reference, page=_page(sent.get("page", "")))

    def which(self, reader: str, now: datetime) -> CaseFilter:
        """The cases it lets through. A reference is searched whatever their status is."""
        every = self.status == EVERY_STATUS or bool(self.reference)
        whose = {MINE: reader, NOBODY: NOBODY}
        return CaseFilter(
            status=None if every else CaseStatus(self.status),
            severity=Severity.named(self.severity) if self.severity else None,
            category=self.category or None,
            need=self.need or None,
            audience=self.audience or None,
            area=self.area or None,
            assigned_to=whose.get(self.whose),
            reference=self.reference or None,
            overdue_at=now if self.overdue else None,
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set besides open or closed."""
        return replace(self, status=CaseStatus.OPEN.value, page=1) != QueueForm()

    def query(self, **changes: Any) -> str:
        """The query of an address with these filters; `changes` take the place of some."""
        usual = asdict(QueueForm(status=""))
        named = {**asdict(self), **changes}
        return urlencode({name: value for name, value in named.items() if value != usual[name]})

    def address(self, **changes: Any) -> str:
        """The page with these filters."""
        return f"{HOME}?{self.query(**changes)}"


@dataclass(frozen=True)
class QueueRow:
    """One case in the list."""

    case: Case
    href: str
    overdue: bool
    assigned: str
    """Who has it; empty where nobody has."""
    offered: str
    """Whom it was handed over to and who has not accepted yet; empty otherwise."""


def rows_of(cases: list[Case], names: Mapping[str, str], now: datetime) -> list[QueueRow]:
    """The rows of the list; `names` of the staff who occur in it."""
    return [
        QueueRow(
            case=case,
            href=address_of(case.id),
            overdue=case.status is CaseStatus.OPEN and now > case.due_at,
            assigned=names.get(case.assigned_to or "", ""),
            offered=names.get(case.offered_to or "", ""),
        )
        for case in cases
    ]


def staff_in(cases: list[Case]) -> set[str]:
    """The ids of the staff who occur in a list of cases."""
    named = (each for case in cases for each in (case.assigned_to, case.offered_to))
    return {each for each in named if each}


def pagination(form: QueueForm, pages: int) -> dict[str, object] | None:
    """Parameters of the pagination component; None when one page holds everything."""
    if pages == 1:
        return None
    near = [n for n in range(1, pages + 1) if n in {1, pages} or abs(n - form.page) <= 1]
    items: list[dict[str, object]] = []
    for before, number in zip([0, *near], near, strict=False):
        if number > before + 1:
            items.append({"ellipsis": True})
        href = form.address(page=number)
        items.append({"number": number, "href": href, "current": number == form.page})
    params: dict[str, object] = {"items": items}
    if form.page > 1:
        params["previous"] = {"href": form.address(page=form.page - 1)}
    if form.page < pages:
        params["next"] = {"href": form.address(page=form.page + 1)}
    return params


def _page(text: str) -> int:
    right = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return max(1, int(text)) if right else 1
