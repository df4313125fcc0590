"""What the pages about content show, put together from the files and the approvals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from safeguarding.content.items import Item, Part
from safeguarding.content.signing import Standing, Status
from safeguarding.staff import Role, Staff
from web.console import content_wording
from web.console.addresses import content_address
from web.console.changes import changes
from web.console.content_wording import KINDS, STATUSES
from web.console.services import Services
from web.console.wording import date_of


def list_view(console: Services, status: Status | None, kind: str | None) -> dict[str, Any]:
    """The context of the list. Asks the database: call it in a thread."""
    catalogue = console.catalogue()
    standings = console.approvals.standings(catalogue.items.values())
    of_kind = [each for each in standings if kind in {None, each.item.kind}]
    shown = [each for each in of_kind if status in {None, each.status}]
    return {
        "filters": _filters(of_kind, status, kind),
        "kinds": [name for name in KINDS if name in {each.item.kind for each in standings}],
        "kind": kind,
        "chosen": status,
        "groups": _groups(shown),
        "total": len(standings),
        "signed": sum(each.signed for each in standings),
        "problems": catalogue.problems,
        "content": content_wording,
    }


def item_view(console: Services, item: Item, reader: Staff) -> dict[str, Any]:
    """The context of one item's page. Asks the database: call it in a thread."""
    standing = console.approvals.standing(item)
    before = standing.last_signed if not standing.signed else None
    kept = console.approvals.words(item.id, before.digest) if before else None
    return {
        "item": item,
        "standing": standing,
        "href": content_address(item.id),
        "before": before,
        "rows": changes(kept, item) if kept else [],
        "groups": _readings(item),
        "is_lead": reader.role is Role.LEAD,
        "may_approve": standing.may_approve(reader.id),
        "signers": [
            f"{content_wording.signer(each)}, {date_of(each.at)}" for each in standing.signatures
        ],
        "own": next((each for each in standing.signatures if each.by == reader.id), None),
        "content": content_wording,
    }


def _readings(item: Item) -> dict[str, list[Part]]:
    """The parts by whose words they are. Words for everyone are about the others, if there are."""
    mixed = any(part.audiences for part in item.parts)
    found: dict[str, list[Part]] = {}
    for part in item.parts:
        who = content_wording.readers(part)
        if part.audiences:
            heading = f"What {who.lower()} {'reads' if who == 'Everyone' else 'read'}"
        else:
            heading = "About all of it" if mixed else "What it says"
        found.setdefault(heading, []).append(part)
    return found


def _filters(
    standings: Sequence[Standing], status: Status | None, kind: str | None
) -> list[dict[str, Any]]:
    counts = Counter(each.status for each in standings)
    wanted = f"&kind={kind}" if kind else ""
    every = {
        "words": "All",
        "count": len(standings),
        "href": f"/content?status=all{wanted}",
        "current": status is None,
    }
    return [every] + [
        {
            "words": words,
            "count": counts[each],
            "href": f"/content?status={each.value}{wanted}",
            "current": each is status,
        }
        for each, (words, _) in STATUSES.items()
        if counts[each] or each is status
    ]


def _groups(standings: Sequence[Standing]) -> list[tuple[str, list[dict[str, Any]]]]:
    order = list(KINDS)
    rank = list(STATUSES)
    ranked = sorted(
        standings,
        key=lambda each: (
            order.index(each.item.kind),
            rank.index(each.status),
            each.item.title.lower(),
        ),
    )
    return [
        (KINDS[kind], [_row(each) for each in members])
        for kind, members in groupby(ranked, lambda each: each.item.kind)
    ]


def _row(standing: Standing) -> dict[str, Any]:
    return {
        "standing": standing,
        "href": content_address(standing.item.id),
        "last": standing.decisions[-1] if standing.decisions else None,
    }
