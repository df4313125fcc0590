"""Every sentence beside a lexicon entry is a promise: it fires, or it does not."""

from __future__ import annotations

from safeguarding.risk.commands import examples_that_fail
from safeguarding.risk.lexicon.reader import read_what_is_sound


def test_the_lexicon_is_sound_and_every_sentence_beside_an_entry_does_what_it_should() -> None:
    lexicon, problems = read_what_is_sound()

    assert [str(problem) for problem in (*problems, *examples_that_fail(lexicon))] == []
