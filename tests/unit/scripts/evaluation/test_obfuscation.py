from __future__ import annotations

from scripts.evaluation.assessing import Hearing, Said
from scripts.evaluation.disguises import DISGUISES
from scripts.evaluation.messages import cases
from scripts.evaluation.obfuscation import disclosures, disguised, obfuscation_report
from tests.labelled import CONCERN, NONE, URGENT, example, heard

FIRST, SECOND = example("he hits me", URGENT), example("he hurts me", URGENT)


def test_only_disclosures_are_disguised() -> None:
    assert disclosures([FIRST, example("worried", CONCERN), example("hello")]) == [FIRST]
    assert len(list(disguised([FIRST.text]))) == len(DISGUISES)


def test_what_a_disguise_loses_and_gains_is_counted_message_by_message() -> None:
    hearing: Hearing = {
        Said(FIRST.text): heard(URGENT),
        Said(SECOND.text): heard(NONE),
        **{said: heard(URGENT) for said in disguised([FIRST.text, SECOND.text])},
        Said(DISGUISES["leet"](FIRST.text)): heard(CONCERN),
    }

    report = obfuscation_report(cases([FIRST, SECOND], hearing), hearing)

    assert report["plain"]["hits"] == 1
    leet, spaced = report["disguises"]["leet"], report["disguises"]["spaced letters"]
    assert (leet["heard"]["hits"], leet["lost"], leet["gained"]) == (1, 1, 1)
    assert (spaced["heard"]["hits"], spaced["lost"], spaced["gained"]) == (2, 0, 1)
