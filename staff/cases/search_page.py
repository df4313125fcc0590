"""The page on which staff search for words in what people and colleagues wrote.

The words come in a form, not in an address, and the audit trail says that a search was made, not
for what.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sanic import Blueprint, HTTPResponse, Request

from safeguarding.clock import LONDON
from safeguarding.taxonomy import taxonomy
from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.case import CaseStatus
from staff.cases.cases import CaseFilter
from staff.cases.search_wording import WordSearchPhrases
from staff.cases.word_search import SHORTEST, SearchResult, terms_of
from staff.console import wording
from staff.console.pages import SEARCH, Services, address_of, field, services
from staff.console.recording import record

LONGEST_WORDS = 200
"""Characters in the words that are searched for."""
word_search = Blueprint("word_search")


@dataclass(frozen=True)
class SearchForm:
    """The form as it was sent; empty on a fresh page."""

    words: str = ""
    status: str = ""
    category: str = ""
    first: str = ""
    last: str = ""
    further: str = ""

    @classmethod
    def of(cls, request: Request) -> SearchForm:
        """Read the fields of a request. A choice that the page does not offer is ignored."""
        status, category = field(request, "status"), field(request, "category")
        return cls(
            words=field(request, "words").strip(),
            status=status if status in {each.value for each in CaseStatus} else "",
            category=category if category in taxonomy().risk_categories else "",
            first=field(request, "first"),
            last=field(request, "last"),
            further=field(request, "further"),
        )

    def errors(self, say: WordSearchPhrases) -> dict[str, str]:
        """Return the error messages by the ids of the fields."""
        errors = {}
        if sum(map(len, terms_of(self.words))) < SHORTEST:
            errors["words"] = say.too_short.format(number=SHORTEST)
        if len(self.words) > LONGEST_WORDS:
            errors["words"] = say.too_long.format(number=LONGEST_WORDS)
        for name in ("first", "last"):
            try:
                _day(getattr(self, name))
            except ValueError:
                errors[name] = say.wrong_date
        if not {"first", "last"} & set(errors):
            first, last = _day(self.first), _day(self.last)
            if first and last and last < first:
                errors["last"] = say.dates_turned
        return errors

    def which(self, areas: frozenset[str] | None) -> CaseFilter:
        """Return the filter of cases. The days are those on which a case was opened."""
        first, last = _day(self.first), _day(self.last)
        return CaseFilter(
            status=CaseStatus(self.status) if self.status else None,
            category=self.category or None,
            areas=areas,
            opened_from=None if first is None else _midnight(first),
            opened_before=None if last is None else _midnight(last + timedelta(days=1)),
        )


@word_search.get(SEARCH)
@requires(Permission.READ_CASES)
async def ask(request: Request) -> HTTPResponse:
    """Show the empty form, after the password where the session is not fresh."""
    return needs_confirmation(request, SEARCH) or _page(request, SearchForm())


@word_search.post(SEARCH)
@requires(Permission.READ_CASES)
async def search(request: Request) -> HTTPResponse:
    """Search, and record on the audit trail that a search was made, before anything is shown."""
    if asked := needs_confirmation(request, SEARCH):
        return asked
    console, form = services(request), SearchForm.of(request)
    if errors := form.errors(console.search_phrases):
        return _page(request, form, errors=errors)
    which = form.which(session_of(request).staff.areas)
    result = await asyncio.to_thread(
        console.word_search.search, form.words, which, further=form.further
    )
    await record(
        request,
        "searched in words",
        found=len(result.hits),
        looked_at=result.looked_at,
        status=form.status or "any",
        category=form.category or "any",
        **{"from": form.first, "until": form.last},
    )
    return _page(request, form, result)


def _page(
    request: Request,
    form: SearchForm,
    result: SearchResult | None = None,
    errors: dict[str, str] | None = None,
) -> HTTPResponse:
    console = services(request)
    return console.pages.render(
        "word_search.html",
        status=400 if errors else 200,
        session=session_of(request),
        form=form,
        errors=errors or {},
        result=result,
        said=[] if result is None else _said(console, result),
        say=console.search_phrases,
        risk_categories=list(taxonomy().risk_categories),
        longest_words=LONGEST_WORDS,
        address_of=address_of,
        now=console.now(),
    )


def _said(console: Services, result: SearchResult) -> list[str]:
    """Return how far the search went."""
    say, number = console.search_phrases, result.looked_at
    lines = [say.all_searched.format(number=number)]
    if result.further and result.back_to is not None:
        when = wording.moment(result.back_to)
        lines = [say.searched_back_to.format(number=number, when=when)]
    if result.unreadable:
        lines.append(say.unreadable.format(number=result.unreadable))
    return lines


def _day(text: str) -> date | None:
    """Return a date; None where there is none. Raises ValueError."""
    return date.fromisoformat(text) if text else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
