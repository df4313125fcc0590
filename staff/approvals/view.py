"""What the pages about content show, put together from the files and the approvals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from safeguarding.content.approvals.signing import ApprovalStatus, Standing
from safeguarding.content.items import Block, Item
from safeguarding.content.kinds import Kinds
from staff.accounts.accounts import Staff
from staff.accounts.permissions import Permission
from staff.approvals.changes import changes
from staff.console import wording
from staff.console.composition import Services
from staff.console.dates import date_of
from staff.console.pages import CONTENT, content_address
from staff.console.wording import CONTENT_STATUSES

FOLDED_FROM = 12
"""From so many texts on, a page shows one reader's at a time: the help card has 130."""


def list_view(console: Services, status: ApprovalStatus | None, kind: str | None) -> dict[str, Any]:
    """The context of the list; an unknown kind counts as none. Asks the database, in a thread."""
    catalogue = console.catalogue()
    kind = kind if kind in catalogue.kinds else None
    standings = console.approvals.standings(catalogue.items.values())
    of_kind = [each for each in standings if kind in {None, each.item.kind}]
    shown = [each for each in of_kind if status in {None, each.status}]
    return {
        "filters": _filters(of_kind, status, kind),
        "kinds": _present(catalogue.kinds, standings),
        "kind": kind,
        "chosen": status,
        "groups": _groups(catalogue.kinds, shown),
        "total": len(standings),
        "signed": sum(each.signed for each in standings),
        "problems": catalogue.problems,
    }


def item_view(console: Services, item: Item, reader: Staff) -> dict[str, Any]:
    """The context of one item's page. Asks the database: call it in a thread."""
    standing = console.approvals.standing(item)
    before = standing.last_signed if not standing.signed else None
    kept = console.approvals.words(item.id, before.digest) if before else None
    return {
        "item": item,
        "kind": console.catalogue().kinds.of(item.id).title,
        "standing": standing,
        "href": content_address(item.id),
        "before": before,
        "rows": changes(kept, item) if kept else [],
        "groups": _readings(item),
        "folded": len(item.blocks) > FOLDED_FROM,
        # What is for staff alone is a list, not something that Lantern says.
        "as_messages": console.catalogue().kinds.of(item.id).for_people,
        "is_lead": reader.may(Permission.APPROVE_CONTENT),
        "may_approve": standing.may_approve(reader.id),
        "signers": [f"{wording.signer(each)}, {date_of(each.at)}" for each in standing.signatures],
        "own": next((each for each in standing.signatures if each.by == reader.id), None),
    }


def _readings(item: Item) -> dict[str, list[Block]]:
    """The blocks of an item by the heading that says who reads them."""
    mixed = any(block.audiences for block in item.blocks)
    found: dict[str, list[Block]] = {}
    for block in item.blocks:
        found.setdefault(wording.reading(block, mixed=mixed), []).append(block)
    return found


def _filters(
    standings: Sequence[Standing], status: ApprovalStatus | None, kind: str | None
) -> list[dict[str, Any]]:
    counts = Counter(each.status for each in standings)
    wanted = f"&kind={kind}" if kind else ""
    every = {
        "label": "All",
        "count": len(standings),
        "href": f"{CONTENT}?status=all{wanted}",
        "current": status is None,
    }
    return [every] + [
        {
            "label": label,
            "count": counts[each],
            "href": f"{CONTENT}?status={each.value}{wanted}",
            "current": each is status,
        }
        for each, (label, _) in CONTENT_STATUSES.items()
        if counts[each] or each is status
    ]


def _present(kinds: Kinds, standings: Sequence[Standing]) -> dict[str, str]:
    """The titles of the kinds of which there is something, by id."""
    found = {each.item.kind for each in standings}
    return {kind.id: kind.title for kind in kinds if kind.id in found}


def _groups(kinds: Kinds, standings: Sequence[Standing]) -> list[tuple[str, list[dict[str, Any]]]]:
    order = [kind.id for kind in kinds]
    rank = list(CONTENT_STATUSES)
    ranked = sorted(
        standings,
        key=lambda each: (
            order.index(each.item.kind),
            rank.index(each.status),
            each.item.title.lower(),
        ),
    )
    return [
        (kinds[kind].title, [_row(each) for each in members])
        for kind, members in groupby(ranked, lambda each: each.item.kind)
    ]


def _row(standing: Standing) -> dict[str, Any]:
    return {
        "standing": standing,
        "href": content_address(standing.item.id),
        "last": standing.decisions[-1] if standing.decisions else None,
    }
