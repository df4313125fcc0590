"""One engine for all tests of the risk engine: loading it takes a second or two."""

from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine, risk_engine


@pytest.fixture(scope="session")
def engine() -> RiskEngine:
    return risk_engine()
