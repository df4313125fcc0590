"""One engine for all tests of the risk engine: loading it takes a second or two."""

from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.risk.lexicon.reader import Lexicon, read_lexicon
from tests.fakes.counting_engine import Counting, Work, counting_engine


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


@pytest.fixture(scope="session")
def counting(lexicon: Lexicon, tmp_path_factory: pytest.TempPathFactory) -> Counting:
    """Return the whole engine, with a network that only counts."""
    return counting_engine(lexicon, tmp_path_factory.mktemp("counting"))


@pytest.fixture
def counted(counting: Counting) -> RiskEngine:
    """Return the counting engine; no text was read before, so none is remembered."""
    return counting.begin()


@pytest.fixture
def work(counting: Counting) -> Work:
    """Return what counts the work of the counting engine."""
    return counting.work
