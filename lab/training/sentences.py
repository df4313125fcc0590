"""The texts that the encoder learns from, and their labels as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from safeguarding.corpus import (
    EVERYDAY,
    NLU,
    Chat,
    Example,
    LabelledChatLine,
    LabelledConversation,
    intent_examples,
    is_due,
    read_dialogues,
)
from safeguarding.risk.chat.reading import STRETCH, stretches, with_speakers
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.witness import Witness
from safeguarding.taxonomy import SIGNS, Severity, taxonomy

OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class TrainingText:
    """One text with its labels; None where a task learns nothing from it."""

    text: str
    severity: Severity | None
    categories: tuple[str, ...] | None
    subject: str | None
    intent: str | None
    signs: tuple[str, ...] | None = None
    """Signs of grooming in one line of a chat."""
    chat: Severity | None = None
    """Severity of several lines with their speakers."""


def row(sentence: TrainingText) -> list[object]:
    """Return the sentence as a row of the training data's digest (safeguarding/artifacts.py)."""
    severity = None if sentence.severity is None else int(sentence.severity)
    chat = None if sentence.chat is None else int(sentence.chat)
    labels = (sentence.categories, sentence.subject, sentence.intent, sentence.signs, chat)
    return [sentence.text, severity, *labels]


def of_example(example: Example) -> TrainingText:
    """Convert a labelled sentence of data/risk."""
    risky = example.severity > Severity.NONE
    subject = example.subject if risky else None
    intent = OUT_OF_SCOPE if example.kind in EVERYDAY else None
    return TrainingText(example.text, example.severity, example.categories, subject, intent)


def of_lexicon(lexicon: Lexicon, engine: RiskEngine) -> list[TrainingText]:
    """Return the reviewed examples of the lexicon: matches, and near misses that no rule finds."""
    found = []
    for rule in lexicon.rules:
        if rule.kind == "entry":
            subject = rule.subject
            found += [
                TrainingText(text, rule.severity, (rule.category,), subject, None)
                for text in rule.match
            ]
        if rule.kind == "harmless":
            found += [TrainingText(text, Severity.NONE, (), None, None) for text in rule.match]
    # A near miss of one rule may be a match of another: only what no rule finds is harmless.
    quiet = {
        text
        for rule in lexicon.rules
        for text in rule.near_miss
        if engine.assess(text).severity == Severity.NONE
    }
    return found + [TrainingText(text, Severity.NONE, (), None, None) for text in sorted(quiet)]


def of_intents(engine: RiskEngine, witness: Witness, folder: Path = NLU) -> list[TrainingText]:
    """Return the questions and small talk that Rasa learns from.

    They have no severity label, and some disclose something. Those in which the lexicon and the
    second witness find nothing count as harmless; the others teach no severity.
    """
    found = []
    for intent, text in intent_examples(folder):
        alarmed = witness.scores(text)[0] > 0
        quiet = not alarmed and engine.assess(text).severity == Severity.NONE
        severity = Severity.NONE if quiet else None
        found.append(TrainingText(text, severity, () if quiet else None, None, intent))
    return found


_ENOUGH_SIGNS = 2
"""Number of different signs with which a part of a harmful chat is harmful by itself."""


def of_chats(chats: Iterable[Chat]) -> list[TrainingText]:
    """Return single lines with signs, stretches with speakers, and each chat's beginning.

    The beginning is one text without speakers, as a chat is read whose speakers are not known.
    """
    found = []
    for chat in chats:
        quiet = not chat.harmful
        for line in chat.lines:
            severity = Severity.NONE if quiet else None
            named = () if quiet else None
            found.append(TrainingText(line.text, severity, named, None, None, line.signs))
        for lines in stretches(chat.lines):
            shown = _shown(chat, lines)
            text = with_speakers([(line.by, line.text) for line in lines])
            found.append(TrainingText(text, None, None, None, None, chat=shown))
        first = chat.lines[:STRETCH]
        severity = _shown(chat, first)
        if severity is not None:
            text = " ".join(line.text for line in first)
            categories = chat.categories if severity else ()
            found.append(TrainingText(text, severity, categories, None, None))
    return found


def _shown(chat: Chat, lines: Sequence[LabelledChatLine]) -> Severity | None:
    """Return the severity that some lines of a chat show by themselves; None if that is unsure."""
    if not chat.harmful:
        return Severity.NONE
    signs = {sign for line in lines for sign in line.signs}
    whole = len(lines) == len(chat.lines)
    return Severity.named(chat.severity) if whole or len(signs) >= _ENOUGH_SIGNS else None


def of_conversations(conversations: Iterable[LabelledConversation]) -> list[TrainingText]:
    """Return the user's last messages up to each turn that has a label, as one text."""
    found = []
    for conversation in conversations:
        messages: list[str] = []
        for turn in conversation.turns:
            if turn.by != "user":
                continue
            messages.append(turn.text)
            due = is_due(conversation, len(messages))
            if due is not None:
                text = " ".join(messages[-_JOINED:])
                categories = conversation.categories if due else ()
                found.append(TrainingText(text, due, categories, None, None))
    return found


_JOINED = 5
"""Number of messages joined, as safeguarding/risk/prediction.py joins them."""


def development(examples: Iterable[Example]) -> list[Example]:
    """Return the development part, on which choices are made."""
    return [example for example in examples if example.part == "development"]


def all_training(
    engine: RiskEngine, lexicon: Lexicon, witness: Witness, examples: Iterable[Example]
) -> list[TrainingText]:
    """Return all texts to learn from, in a fixed order and without duplicates.

    `examples` are the labelled sentences, with the background if there is one. Those of other parts
    are left out.
    """
    risk = [of_example(example) for example in examples if example.part == "training"]
    dialogues = read_dialogues("training")
    dialogue = [*of_chats(dialogues.chats), *of_conversations(dialogues.conversations)]
    found: dict[str, TrainingText] = {}
    for sentence in [*risk, *dialogue, *of_intents(engine, witness), *of_lexicon(lexicon, engine)]:
        found.setdefault(sentence.text.casefold(), sentence)
    return list(found.values())


SHARES = {"severity": 3.0, "category": 0.3, "subject": 0.1, "topic": 1.0, "sign": 0.2, "chat": 0.6}
"""Weight of each task in the loss."""


@dataclass(frozen=True)
class Labels:
    """Labels of all sentences as arrays; a mask of 0 leaves a sentence out of a task."""

    severity: npt.NDArray[np.float32]
    category: npt.NDArray[np.float32]
    subject: npt.NDArray[np.int32]
    topic: npt.NDArray[np.int32]
    sign: npt.NDArray[np.float32]
    chat: npt.NDArray[np.float32]
    """At least concern, at least urgent; shape (n, 2)."""
    masks: dict[str, npt.NDArray[np.float32]]


def labels_of(sentences: Sequence[TrainingText], intents: Sequence[str]) -> Labels:
    """Build the arrays; severity has three steps (at least concern, urgent, immediate)."""
    names = list(taxonomy().risk_categories)
    subjects = list(taxonomy().subjects)
    count = len(sentences)
    severity = np.zeros((count, 3), np.float32)
    category = np.zeros((count, len(names)), np.float32)
    subject, topic = np.zeros(count, np.int32), np.zeros(count, np.int32)
    sign = np.zeros((count, len(SIGNS)), np.float32)
    chat = np.zeros((count, 2), np.float32)
    masks = {task: np.zeros(count, np.float32) for task in SHARES}
    for at, sentence in enumerate(sentences):
        if sentence.severity is not None:
            severity[at] = [sentence.severity >= step for step in list(Severity)[1:]]
            masks["severity"][at] = 1
        if sentence.categories is not None:
            for name in sentence.categories:
                category[at, names.index(name)] = 1
            masks["category"][at] = 1
        if sentence.subject is not None:
            subject[at] = subjects.index(sentence.subject)
            masks["subject"][at] = 1
        if sentence.intent is not None:
            topic[at] = intents.index(sentence.intent)
            masks["topic"][at] = 1
        if sentence.signs is not None:
            for name in sentence.signs:
                sign[at, SIGNS.index(name)] = 1
            masks["sign"][at] = 1
        if sentence.chat is not None:
            chat[at] = [sentence.chat >= step for step in (Severity.CONCERN, Severity.URGENT)]
            masks["chat"][at] = 1
    return Labels(severity, category, subject, topic, sign, chat, masks)
