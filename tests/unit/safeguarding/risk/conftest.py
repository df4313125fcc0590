"""One engine for all tests of the risk engine: loading it takes a second or two."""

from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.risk.lexicon.reader import Lexicon, read_lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return read_lexicon()


@pytest.fixture(scope="session")
def engine(lexicon: Lexicon) -> RiskEngine:
    return RiskEngine(lexicon)


@pytest.fixture(scope="session")
def whole_engine() -> RiskEngine:
    """Return the lexicon and the network, as they run."""
    return build_engine()
