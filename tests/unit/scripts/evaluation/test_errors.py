from __future__ import annotations

import pytest

from scripts.evaluation.errors import KeptBackError, errors
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT, case


def test_misses_and_false_alarms_by_category_the_gravest_first() -> None:
    cases = [
        case(URGENT, CONCERN, part="development", text="b", categories=("bullying",)),
        case(IMMEDIATE, NONE, part="development", text="a", categories=("bullying",)),
        case(CONCERN, NONE, part="development", text="c"),
        case(IMMEDIATE, URGENT, part="development", text="heard enough"),
        case(CONCERN, URGENT, part="development", text="heard more than enough"),
        case(NONE, URGENT, part="development", text="d", named=("suicide",)),
        case(NONE, NONE, part="development", text="quiet"),
    ]

    found = errors(cases)

    texts = {
        kind: {name: [row["text"] for row in rows] for name, rows in groups.items()}
        for kind, groups in found.items()
    }
    assert texts == {
        "misses": {"bullying": ["a", "b"], "grooming": ["c"]},
        "false alarms": {"suicide": ["d"]},
    }


@pytest.mark.parametrize("part", ["test", "training"])
def test_no_other_part_may_be_read(part: str) -> None:
    with pytest.raises(KeptBackError):
        errors([case(URGENT, NONE, part=part)])
