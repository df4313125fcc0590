"""Moments keep their meaning on every database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from storage.metadata import UtcDateTime

SUMMER = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])  # type: ignore[no-untyped-call]
def test_a_moment_comes_back_the_same_in_utc(dialect: object) -> None:
    column = UtcDateTime()

    stored = column.process_bind_param(SUMMER, dialect)  # type: ignore[arg-type]
    found = column.process_result_value(stored, dialect)  # type: ignore[arg-type]

    assert found == SUMMER
    assert found is not None
    assert found.tzinfo is timezone.utc


def test_refuses_a_moment_without_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001
