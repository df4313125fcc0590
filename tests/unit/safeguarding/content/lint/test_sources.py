"""Whose pages a statement may rest on: only bodies that issue the rule or run the service."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.items import SourceRecord
from safeguarding.content.lint.facts import (
    SourceDomains,
    foreign_contacts,
    foreign_sources,
)
from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import CONTENT
from tests.content import real_content

DOMAINS = SourceDomains(None, ["nspcc.org.uk", "gov.uk"])
REAL = read_yaml(CONTENT / "source_domains.yml").convert(SourceDomains)


def source(url: str) -> SourceRecord:
    return SourceRecord("A page", "Somebody", url, None, date(2026, 11, 25))


@pytest.mark.parametrize(
    "url",
    [
        "https://nspcc.org.uk",
        "https://www.nspcc.org.uk/a/b?c=d",
        "https://learning.nspcc.org.uk/x",
        "http://NSPCC.org.uk/",
        "https://www.gov.uk/guidance",
        "https://assets.publishing.service.gov.uk/a.pdf",
    ],
)
def test_a_listed_domain_holds_its_pages_and_those_of_domains_below_it(url: str) -> None:
    assert DOMAINS.holds(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/nspcc.org.uk",
        "https://nspcc.org.uk.example.org/",
        "https://notnspcc.org.uk/",
        "https://org.uk/",
        "https://nspcc.org.uk@example.org/",
        "nspcc.org.uk",
        "",
    ],
)
def test_no_other_address_passes_for_one(url: str) -> None:
    assert not DOMAINS.holds(url)


def test_the_press_and_collections_of_documents_issue_nothing() -> None:
    for url in (
        "https://www.bbc.co.uk/news",
        "https://www.theguardian.com/society",
        "https://en.wikipedia.org/wiki/Grooming",
        "https://docplayer.net/1",
        "https://www.communitycare.co.uk/",
    ):
        assert not REAL.holds(url)


def test_a_domain_is_listed_once_in_small_letters_and_in_order() -> None:
    listed = [
        line.removeprefix("  - ")
        for line in (CONTENT / "source_domains.yml").read_text("utf-8").splitlines()
        if line.startswith("  - ")
    ]

    assert len(listed) > 50
    assert listed == sorted(set(listed))
    assert all(domain == domain.lower() and "/" not in domain for domain in listed)


def test_a_foreign_source_is_named_with_the_line_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("---\na: https://nspcc.org.uk/\nb: https://example.org/\n---\n", "utf-8")
    sources = [source("https://nspcc.org.uk/"), source("https://example.org/")]

    (problem,) = foreign_sources(path, sources, DOMAINS)

    assert (problem.path, problem.line) == (path, 3)
    assert problem.what == "of no issuing body: https://example.org/"


def test_a_file_that_is_not_there_has_no_foreign_source(tmp_path: Path) -> None:
    assert list(foreign_sources(tmp_path / "help_card.yml", [], DOMAINS)) == []


def test_a_contact_is_confirmed_only_on_a_page_of_those_who_run_it() -> None:
    contacts = real_content().contacts
    few = SourceDomains(
        None,
        ["nspcc.org.uk", "childline.org.uk", "police.uk", "gov.uk", "nhs.uk", "samaritans.org"],
    )

    found = [problem.what for problem in foreign_contacts(CONTENT, contacts, few)]

    assert any(what.startswith("shout: confirmed by nobody who runs it: ") for what in found)
    assert not any(what.startswith("childline: ") for what in found)
    assert not any(what.startswith("ivison_trust: ") for what in found), "it is not confirmed"
    assert list(foreign_contacts(CONTENT, contacts, REAL)) == []


@pytest.mark.parametrize("text", ["sites: [a.uk]", "domains: a.uk", "domains: [1]", "- a.uk"])
def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "source_domains.yml"
    path.write_text(f"{text}\n", "utf-8")

    with pytest.raises(ContentError):
        read_yaml(path).convert(SourceDomains)
