"""Cases of one child are linked without being merged, for those who may see both."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.cases.case import CaseEvent, CaseLink
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import WordsMissingError
from staff.cases.links import CaseLinkError, CaseLinks
from staff.cases.merging import CaseMerge
from staff.cases.tables import case_links
from staff.retention.disposal import remove
from tests.records import NOON, Clock, EscalationLog, escalation, vault

WHY = "Both name the same street."


@pytest.fixture
def links(engine: Engine, clock: Clock) -> CaseLinks:
    return CaseLinks(engine, vault(), clock)


@pytest.fixture(autouse=True)
def two(log: EscalationLog) -> None:
    """Record two cases, of two areas."""
    log.record(escalation("m1", conversation_id="a", area="wiltshire"))
    log.record(escalation("m2", conversation_id="b", area="kent"))


def link(links: CaseLinks, by: str, one: str = "a", other: str = "b") -> None:
    links.link(one, other, f" {WHY} ", by=by, areas=None)


def seen(links: CaseLinks, case_id: str, *areas: str) -> list[CaseLink]:
    return links.of_case(case_id, frozenset(areas) or None)


def test_both_show_the_other_with_who_when_and_why(links: CaseLinks, ann: str) -> None:
    link(links, ann)

    for case_id, other in (("a", "b"), ("b", "a")):
        (found,) = seen(links, case_id)
        assert (found.other.id, found.by, found.at, found.reason) == (other, ann, NOON, WHY)


def test_a_link_is_hidden_from_those_who_may_not_see_both(links: CaseLinks, ann: str) -> None:
    link(links, ann)

    assert seen(links, "a", "wiltshire") == []
    assert len(seen(links, "a", "wiltshire", "kent")) == 1
    (found,) = seen(links, "a")
    only_one = frozenset({"wiltshire"})
    with pytest.raises(UnknownCaseError):
        links.unlink("a", found.id, by=ann, areas=only_one)
    with pytest.raises(UnknownCaseError):
        links.link("a", "b", WHY, by=ann, areas=only_one)


def test_the_trail_of_each_case_names_the_link_and_not_the_other_case(
    links: CaseLinks, cases: Cases, ann: str
) -> None:
    link(links, ann)
    (found,) = seen(links, "a")

    for case_id in ("a", "b"):
        event = cases.whole(case_id).history[-1].event
        assert (event.what, event.who) == (CaseEvent.LINKED.value, ann)
        assert event.detail == {"link": found.id}


def test_a_link_ends_once_and_may_be_made_again(links: CaseLinks, cases: Cases, ann: str) -> None:
    link(links, ann)
    (found,) = seen(links, "a")

    links.unlink("b", found.id, by=ann, areas=None)
    links.unlink("a", found.id, by=ann, areas=None)

    assert seen(links, "a") == seen(links, "b") == []
    ended = [each.event.what for each in cases.whole("a").history].count("unlinked")
    assert ended == 1
    link(links, ann, "b", "a")
    assert len(seen(links, "a")) == 1


def test_what_cannot_be_linked_is_refused(
    links: CaseLinks, merging: CaseMerge, log: EscalationLog, ann: str
) -> None:
    link(links, ann)
    with pytest.raises(CaseLinkError):
        link(links, ann, "b", "a")
    with pytest.raises(CaseLinkError):
        link(links, ann, "a", "a")
    with pytest.raises(UnknownCaseError):
        link(links, ann, "a", "nothing")
    with pytest.raises(WordsMissingError):
        links.link("a", "b", " ", by=ann, areas=None)
    log.record(escalation("m3", conversation_id="c"))
    merging.merge("c", "a", by=ann)
    with pytest.raises(CaseLinkError):
        link(links, ann, "c", "b")


def test_a_merged_case_brings_its_links(
    links: CaseLinks, merging: CaseMerge, log: EscalationLog, ann: str
) -> None:
    log.record(escalation("m3", conversation_id="c"))
    link(links, ann)
    merging.merge("a", "c", by=ann)

    assert [each.other.id for each in seen(links, "c")] == ["b"]


@pytest.mark.parametrize("gone", ["a", "b"])
def test_a_link_goes_with_either_case(
    engine: Engine, links: CaseLinks, ann: str, gone: str
) -> None:
    link(links, ann)
    with engine.begin() as connection:
        removed = remove(connection, [gone], NOON)
        assert connection.execute(sa.select(case_links)).all() == []

    assert removed["case_links"] == 1
    assert seen(links, "b" if gone == "a" else "a") == []


def test_the_reason_is_sealed(engine: Engine, links: CaseLinks, ann: str) -> None:
    link(links, ann)

    with engine.connect() as connection:
        assert "street" not in connection.execute(sa.select(case_links.c.reason)).scalar_one()
