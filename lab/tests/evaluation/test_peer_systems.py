from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from lab.evaluation import peer_systems as module
from lab.evaluation.assessing import Result, TimedMessage
from lab.evaluation.keyword_lists import KeywordList
from lab.evaluation.peer_systems import keyword_system, lantern, letters_only, sentinel
from lab.evaluation.sentinel import Vectors
from lab.tests.labelled import result
from tests.labelled import CONCERN, NONE, URGENT, example


def test_lantern_is_scored_by_its_probability_and_alarms_by_its_assessment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {
        "harm": result(URGENT, scores=(0.9, 0.8, 0.1)),
        "worry": result(CONCERN, scores=(0.9, 0.85, 0.1)),
        "🙂": result(NONE),
    }

    def assess(messages: Iterable[TimedMessage]) -> dict[TimedMessage, Result]:
        return {each: found[each.text] for each in messages}

    monkeypatch.setattr(module, "assess_all", assess)

    system = lantern(found)

    assert system.scores == {"harm": 0.8, "worry": 0.85, "🙂": 0.0}
    assert system.alarms == {"harm"}


def test_sentinels_method_alarms_near_harmful_examples() -> None:
    training = [
        example("harm", URGENT, part="training"),
        example("calm", part="training"),
        example("calmer", part="training"),
    ]

    def encode(texts: Sequence[str]) -> Vectors:
        return np.array([[1, 0] if "calm" in each else [0, 1] for each in texts], np.float32)

    system = sentinel(training, ["so calm", "other"], encode)

    assert system.scores == pytest.approx({"so calm": -1.0, "other": 1.0})
    assert system.alarms == {"other"}
    assert "1 harmful and 2 harmless examples" in system.about


def test_a_keyword_list_alarms_at_one_entry() -> None:
    about = {"about": "b", "source": "c", "licence": "d", "changed": "e"}
    keywords = KeywordList(name="A list", phrases=["suicide", "abuse"], **about)

    system = keyword_system(keywords, ["abuse and suicide", "abuse", "tea"])

    assert system.name == "A list"
    assert list(system.scores.values()) == [2.0, 1.0, 0.0]
    assert system.alarms == {"abuse and suicide", "abuse"}


def test_the_witness_has_a_score_and_no_rule() -> None:
    system = letters_only(["my dad hits me", "we had pasta"])

    assert system.scores["my dad hits me"] > system.scores["we had pasta"]
    assert system.alarms is None
