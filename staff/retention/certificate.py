"""Certificates of disposal: a file for each run, whose digest stands on the audit trail.

Made of the trail alone, so that a run that was cut off is certified by the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from staff.audit import trail
from staff.audit.trail import Event, Link
from staff.retention.ledger import DISPOSED, ERASED, FOLDER

CERTIFIED = "disposal certified"
KIND = "lantern disposal certificate 1"


def uncertified(connection: Connection) -> dict[str, list[Link]]:
    """The runs that have no certificate yet, with their events, oldest first."""
    done = {link.event.detail["run"] for link in trail.of_kind(connection, CERTIFIED)}
    gone = [*trail.of_kind(connection, DISPOSED), *trail.of_kind(connection, ERASED)]
    runs: dict[str, list[Link]] = {}
    for link in sorted(gone, key=lambda link: link.id):
        if (run := link.event.detail["run"]) not in done:
            runs.setdefault(run, []).append(link)
    return runs


def certify(
    connection: Connection, run: str, links: Sequence[Link], state_dir: Path, now: datetime
) -> Path:
    """Write the certificate of a run, then its digest on the trail. Raises OSError.

    After a crash between the two the file is written again, the same to the byte.
    """
    content = certificate(run, links)
    path = state_dir / FOLDER / f"{run}.json"
    write_whole(path, content)
    detail = {
        "run": run,
        "count": len(links),
        "digest": hashlib.sha256(content).hexdigest(),
        "references": _digest_of_references(links),
    }
    trail.append(connection, Event(now, links[0].event.who, CERTIFIED, detail=detail))
    return path


def certificate(run: str, links: Sequence[Link]) -> bytes:
    """The file: who disposed of what, when and why, and where on the trail that stands."""
    record = {
        "kind": KIND,
        "run": run,
        "by": links[0].event.who,
        "began": links[0].event.at.isoformat(),
        "ended": links[-1].event.at.isoformat(),
        "count": len(links),
        "references_sha256": _digest_of_references(links),
        "cases": [_line(link) for link in links],
    }
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of the owner's so that it is there whole or not at all. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _line(link: Link) -> dict[str, Any]:
    detail = {name: value for name, value in link.event.detail.items() if name != "run"}
    event = {"case_id": link.event.case_id, "what": link.event.what, "event": link.id}
    return detail | event | {"link": link.link}


def _digest_of_references(links: Sequence[Link]) -> str:
    lines = "\n".join(sorted(link.event.detail["reference"] for link in links))
    return hashlib.sha256(lines.encode()).hexdigest()
