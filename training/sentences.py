"""Everything the encoder learns from: risk sentences, topic questions, the lexicon's examples."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from safeguarding.risk.dialogues import Chat, Conversation, is_due, read_dialogues
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.examples import EVERYDAY, Example, read_examples
from safeguarding.risk.lexicon import Lexicon
from safeguarding.taxonomy import ROOT, Severity

NLU = ROOT / "data" / "nlu"
OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class Sentence:
    """One text and what is known of it; None where a task has nothing to learn from it."""

    text: str
    severity: Severity | None
    categories: tuple[str, ...] | None
    subject: str | None
    intent: str | None
    signs: tuple[str, ...] | None = None
    """Signs of grooming in one line of a chat."""


def of_example(example: Example) -> Sentence:
    """A labelled sentence of data/risk."""
    risky = example.severity > Severity.NONE
    subject = example.subject if risky else None
    intent = OUT_OF_SCOPE if example.kind in EVERYDAY else None
    return Sentence(example.text, example.severity, example.categories, subject, intent)


def of_lexicon(lexicon: Lexicon, engine: RiskEngine) -> list[Sentence]:
    """The reviewed examples of the lexicon: what must match, and what must stay quiet."""
    found = []
    for rule in lexicon.rules:
        if rule.kind == "entry":
            subject = rule.subject
            found += [
                Sentence(text, rule.severity, (rule.category,), subject, None)
                for text in rule.match
            ]
        if rule.kind == "harmless":
            found += [Sentence(text, Severity.NONE, (), None, None) for text in rule.match]
    # A near miss of one rule may be a match of another: only what no rule hears is harmless.
    quiet = {
        text
        for rule in lexicon.rules
        for text in rule.near_miss
        if engine.assess(text).severity == Severity.NONE
    }
    return found + [Sentence(text, Severity.NONE, (), None, None) for text in sorted(quiet)]


def of_intents(engine: RiskEngine, folder: Path = NLU) -> list[Sentence]:
    """The questions and small talk that Rasa learns from.

    They carry no severity of their own: those the lexicon is quiet on count as harmless.
    """
    found = []
    for intent, text in intent_examples(folder):
        quiet = engine.assess(text).severity == Severity.NONE
        severity = Severity.NONE if quiet else None
        found.append(Sentence(text, severity, () if quiet else None, None, intent))
    return found


def intent_examples(folder: Path = NLU) -> list[tuple[str, str]]:
    """(intent, text) of every example of Rasa's training data, without entity markup."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8")).get("nlu", []):
            if "intent" in block:
                lines = block["examples"].splitlines()
                texts = [line.removeprefix("- ").strip() for line in lines if line.strip()]
                found += [(block["intent"], _plain(text)) for text in texts]
    return found


_MARKUP = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")


def _plain(text: str) -> str:
    """The text of an example: "[Swindon](area)" and "[Swindon]{"entity": "area"}" are "Swindon"."""
    return _MARKUP.sub(r"\1", text)


def roughened(words: Iterable[str], rng: random.Random) -> str:
    """The words with a few slips of the finger, so that the encoder learns to read past them."""
    kept = []
    whole = list(words)
    for word in whole:
        chance = rng.random()
        if chance < _DROPPED and len(whole) > 1:
            continue
        kept.append(_slip(word, rng) if chance < _SLIPPED and len(word) > _SHORT else word)
    return " ".join(kept or whole)


_DROPPED, _SLIPPED, _SHORT = 0.03, 0.12, 3


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word) - 1)
    slips: list[Callable[[], str]] = [
        lambda: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + word[at] + word[at:],
    ]
    return rng.choice(slips)()


_WINDOW, _STEP, _TELLING = 6, 3, 2
"""Lines of a chat read as one text, how far the next begins, and signs that make one harmful."""


def of_chats(chats: Iterable[Chat]) -> list[Sentence]:
    """Single lines with their signs, and stretches of lines with the severity of what they show."""
    found = []
    for chat in chats:
        for line in chat.lines:
            quiet = not chat.harmful
            severity, categories = (Severity.NONE, ()) if quiet else (None, None)
            found.append(Sentence(line.text, severity, categories, None, None, line.signs))
        for start in range(0, max(1, len(chat.lines) - _WINDOW + _STEP), _STEP):
            lines = chat.lines[start : start + _WINDOW]
            text = " ".join(line.text for line in lines)
            signs = {sign for line in lines for sign in line.signs}
            if not chat.harmful:
                found.append(Sentence(text, Severity.NONE, (), None, None))
            elif len(signs) >= _TELLING:
                severity = Severity.named(chat.severity)
                found.append(Sentence(text, severity, chat.categories, None, None))
    return found


def of_conversations(conversations: Iterable[Conversation]) -> list[Sentence]:
    """What the user said up to a turn, as one text, where the labels say what is due."""
    found = []
    for conversation in conversations:
        said: list[str] = []
        for turn in conversation.turns:
            if turn.by != "user":
                continue
            said.append(turn.text)
            due = is_due(conversation, len(said))
            if due is not None:
                text = " ".join(said[-_JOINED:])
                categories = conversation.categories if due else ()
                found.append(Sentence(text, due, categories, None, None))
    return found


_JOINED = 5
"""Turns read as one text: this one and those that safeguarding/risk/listener.py looks back on."""


def development(examples: Iterable[Example]) -> list[Example]:
    """The part on which choices are made."""
    return [example for example in examples if example.part == "development"]


def all_training(engine: RiskEngine, lexicon: Lexicon) -> list[Sentence]:
    """Everything to learn from, in a fixed order, no text twice."""
    risk = [of_example(example) for example in read_examples() if example.part == "training"]
    dialogues = read_dialogues("training")
    spoken = [*of_chats(dialogues.chats), *of_conversations(dialogues.conversations)]
    found: dict[str, Sentence] = {}
    for sentence in [*risk, *spoken, *of_intents(engine), *of_lexicon(lexicon, engine)]:
        found.setdefault(sentence.text.casefold(), sentence)
    return list(found.values())
