"""How often the model of the dialogue understands the act and chooses a right reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lab.dialogue.conversations import NONE
from lab.dialogue.turns import LabelledTurn, leaning
from safeguarding.content.reader import Content
from safeguarding.dialogue.candidates import ANSWER, MOST_ASKED
from safeguarding.dialogue.candidates import ASK as LEAST_ASKED
from safeguarding.dialogue.encoder import ASK, CARD, DANGER
from safeguarding.dialogue.model import DialogueModel

Floats = npt.NDArray[np.float32]


@dataclass
class Figures:
    """Counts over the turns of a part."""

    turns: int = 0
    acts: int = 0
    answerable: int = 0
    """Turns with a right reply in the bank."""
    first: int = 0
    """Of these, turns whose likeliest reply is right."""
    among: int = 0
    """Of these, turns with a right one among the three likeliest."""
    answered: int = 0
    """Turns that get a reply, of all."""
    rightly: int = 0
    asked: int = 0
    asked_rightly: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the report, a line each."""
        yield f"turns {self.turns}, act right {self.acts / self.turns:.3f}"
        n = max(1, self.answerable)
        first, among = self.first / n, self.among / n
        yield f"answerable {self.answerable}: first {first:.3f}, among 3 {among:.3f}"
        yield (
            f"answered {self.answered}, rightly {self.rightly / max(1, self.answered):.3f}; "
            f"asked {self.asked}, rightly {self.asked_rightly / max(1, self.asked):.3f}"
        )
        yield f"good turns {(self.rightly + self.asked_rightly) / self.turns:.3f}"
        yield f"wrong: {self.missed.most_common(12)}"
        yield from self.examples[:40]


def measured(
    turns: Sequence[LabelledTurn],
    vectors: Floats,
    model: DialogueModel,
    content: Content,
    words: Callable[[str], int],
) -> Figures:
    """Rank the replies of each turn, without the severity, and count."""
    figures, replies = Figures(), content.replies.all()
    placed = leaning(turns, vectors, model, content.replies)
    for turn, vector in zip(placed, vectors, strict=True):
        length = words(turn.text)
        acts = model.act_probabilities(vector, turn.place, length)
        act = max(acts, key=lambda name: acts[name])
        ranked = model.rank(vector, turn.place, length, replies, acts)
        right = [each for each in turn.right if each in replies]
        figures.turns += 1
        figures.acts += act == turn.act
        if right:
            figures.answerable += 1
            figures.first += ranked[0].id in right
            figures.among += any(each.id in right for each in ranked[:3])
        asks = [each for each in ranked if each.probability >= LEAST_ASKED][:MOST_ASKED]
        if ranked[0].probability >= ANSWER:
            figures.answered += 1
            figures.rightly += ranked[0].id in right
            if ranked[0].id not in right:
                figures.missed[ranked[0].id] += 1
                figures.examples.append(
                    f"  {turn.text[:70]!r} [{turn.place.need_after}] -> {ranked[0].id} "
                    f"{ranked[0].probability:.2f}; right {turn.right}"
                )
        elif len(asks) > 1:
            figures.asked += 1
            figures.asked_rightly += ASK in turn.right or any(a.id in right for a in asks)
        else:
            figures.rightly += 0 if right else bool({NONE, CARD, DANGER} & {*turn.right})
            figures.answered += 0
    return figures
