"""Where the words name a friend and no child, no model makes it the writer's own child."""

from __future__ import annotations

import pytest

from safeguarding.risk.lexicon.phrases import PhraseReader
from safeguarding.risk.lexicon.reader import Lexicon


@pytest.mark.parametrize(
    ("text", "predicted", "subject"),
    [
        ("my friends friend is seeing a guy whos 25", "own_child", "friend"),
        ("my best mate keeps crying", "own_child", "friend"),
        ("my son is scared of my friend", "own_child", "own_child"),
        ("my friends daughter is being hit", "own_child", "own_child"),
        ("shes 14 and wont come home", "own_child", "own_child"),
        ("my friend hurt me", "self", "self"),
    ],
)
def test_the_words_correct_a_model(
    lexicon: Lexicon, text: str, predicted: str, subject: str
) -> None:
    reader = PhraseReader(lexicon)

    assert reader.subject_by_words(reader.read(text), predicted) == subject
