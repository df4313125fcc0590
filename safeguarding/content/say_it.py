"""Say it for me: the sentences of which a young person makes a note for an adult.

The note is made in the browser, of reviewed sentences and the person's own words, and no program of
ours sees it. Facts that the person has said in words are offered first. A risk category is only an
assessment, so its sentences are offered as what people often say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.content.items import Provenance, SourceRecord, word_count
from safeguarding.content.who import DONE_TO, NOT_BY
from safeguarding.conversation_state import UNCLEAR, ConversationState
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import PARENT, YOUNG_PERSON, YOUNGER, YOUNGER_UP_TO, taxonomy

ID = "say_it"
"""The kind of content, the button and the topic of its message."""
UNDER_12 = "is_child_under_12"
ENGLISH = "en"
WHO = "{who}"
"""The place of a wish for the person who shall not be told yet."""
MOST_WORDS = 20
"""Words of a sentence: an adult reads it in one breath."""
GroupId = Literal["heard", "more", "happening", "detail"]


class CautionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A word of care about a choice, shown after one of these facts or categories."""

    facts: list[str]
    categories: list[str]
    text: str

    def fits(self, state: ConversationState) -> bool:
        """Return whether a conversation of this state calls for it."""
        said = {*state.facts, *state.categories}
        return not said.isdisjoint((*self.facts, *self.categories))


class AdultRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An adult whom a young person can tell."""

    id: str
    label: str
    passes_on: str
    """What this adult may have to pass on."""
    younger: str
    """The same for children up to YOUNGER_UP_TO years."""
    advice: str
    """The id of the advice that this adult reads."""
    caution: CautionRecord | None = None


class SentenceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence of a note, as each reader says it."""

    id: str
    me: str | None = None
    """About the writer; None where it makes sense about somebody else only."""
    friend: str | None = None
    younger: str | None = None
    facts: list[str] = []
    categories: list[str] = []
    needs: list[str] = []
    older: bool = False
    """Whether children up to YOUNGER_UP_TO years are offered it only where it fits."""


class NoteWishRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a young person may want to happen."""

    id: str
    label: str
    says: str
    friend: str
    names_someone: bool = False
    """Whether it says who shall not be told yet."""


class HeadingRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first words for the adult, in one language."""

    lang: str
    name: str
    text: str
    signed_by_native_speaker: str | None = None
    """The native speaker who checked it; null until one has. English needs none."""

    @property
    def is_checked(self) -> bool:
        """Whether someone who speaks the language has checked it."""
        return self.lang == ENGLISH or self.signed_by_native_speaker is not None


class AdviceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an adult who reads the note does now."""

    id: str
    text: str
    source: SourceRecord


class UnsaidRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has no sentence, by id, and the reason."""

    facts: dict[str, str]
    categories: dict[str, str]
    needs: dict[str, str]


class SayItFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/say_it.yml."""

    provenance: Provenance
    sources: list[SourceRecord]
    people: list[AdultRecord]
    sentences: list[SentenceRecord]
    wishes: list[NoteWishRecord]
    headings: list[HeadingRecord]
    advice: list[AdviceRecord]
    unsaid: UnsaidRecord


class SayIt:
    """The sentences, and which of them fit a conversation."""

    def __init__(self, file: SayItFile) -> None:
        self.file = file
        self._advice = {each.id: each for each in file.advice}

    @property
    def sources(self) -> list[SourceRecord]:
        """The publications that its words are based on."""
        return [*self.file.sources, *(each.source for each in self.file.advice)]

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text of each audience."""
        file, sentences = self.file, self.file.sentences
        young = [
            *(text for each in file.people for text in (each.label, each.passes_on)),
            *(each.caution.text for each in file.people if each.caution),
            *(text for each in sentences for text in (each.me, each.friend) if text),
            *(text for each in file.wishes for text in (each.label, each.says)),
        ]
        younger = [
            *(each.younger for each in file.people),
            *(each.younger for each in sentences if each.younger),
        ]
        parents = [each.text for each in file.advice]
        texts = {YOUNG_PERSON: young, YOUNGER: younger, PARENT: parents}
        return {audience: "\n".join(text) for audience, text in texts.items()}

    def advice_for(self, adult: AdultRecord) -> AdviceRecord:
        """Return what this adult reads."""
        return self._advice[adult.advice]

    def groups(self, state: ConversationState) -> dict[GroupId, list[SentenceRecord]]:
        """Return the sentences for a conversation of this state, each in one group.

        First the facts that were said, then what fits the categories and the need, and then the
        rest: what may happen, and details.
        """
        sentences, young = self.file.sentences, is_younger(state)
        heard = [each for each in sentences if not {*each.facts}.isdisjoint(state.facts)]
        more = [each for each in self._fitting(state) if each not in heard]
        rest = [
            each
            for each in sentences
            if each not in heard and each not in more and not (young and each.older)
        ]
        return {
            "heard": heard,
            "more": more,
            "happening": [each for each in rest if not each.facts],
            "detail": [each for each in rest if each.facts],
        }

    def _fitting(self, state: ConversationState) -> list[SentenceRecord]:
        """Return the sentences on its categories, the latest first, and then those on its need."""
        sentences, need = self.file.sentences, state.need or UNCLEAR
        by_category = (
            each for name in state.categories for each in sentences if name in each.categories
        )
        by_need = (each for each in sentences if need in each.needs)
        once = {each.id: each for each in (*by_category, *by_need)}
        return list(once.values())


def is_younger(state: ConversationState) -> bool:
    """Return whether the person has said that they are at most YOUNGER_UP_TO years old."""
    return UNDER_12 in state.facts or (state.age is not None and state.age <= YOUNGER_UP_TO)


def read_say_it(path: Path) -> SayIt:
    """Read the sentences of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    file = document.convert(SayItFile)
    return sound(SayIt(file), _unsound(document, file))


def _unsound(document: YamlDocument, file: SayItFile) -> Iterator[Problem]:
    known = taxonomy()
    for field in ("people", "sentences", "wishes", "advice"):
        ids = [each.id for each in getattr(file, field)]
        for index, id_ in enumerate(ids):
            if id_ in ids[:index]:
                yield document.problem(f"{id_!r} stands here twice", field, index)
    yield from _unsound_people(document, file)
    yield from _unsound_sentences(document, file)
    for field, names in (("categories", known.risk_categories), ("needs", known.needs)):
        yield from missing(document, file, field, names)
    for index, wish in enumerate(file.wishes):
        if {WHO in wish.says, WHO in wish.friend} != {wish.names_someone}:
            yield document.problem(f"{WHO} and `names_someone`, or neither", "wishes", index)
    if [each.lang for each in file.headings][:1] != [ENGLISH]:
        yield document.problem("English comes first", "headings")


def _unsound_people(document: YamlDocument, file: SayItFile) -> Iterator[Problem]:
    advice = {each.id for each in file.advice}
    for index, adult in enumerate(file.people):
        if adult.advice not in advice:
            yield document.problem(f"no advice {adult.advice!r}", "people", index, "advice")
        for category in adult.caution.categories if adult.caution else ():
            if category not in taxonomy().risk_categories:
                yield document.problem(f"no such word: {category}", "people", index, "caution")


def _unsound_sentences(document: YamlDocument, file: SayItFile) -> Iterator[Problem]:
    for index, sentence in enumerate(file.sentences):
        if not (sentence.me or sentence.friend):
            yield document.problem("says nothing", "sentences", index)
        if not (sentence.facts or sentence.categories or sentence.needs):
            yield document.problem("nothing leads to it", "sentences", index)
        for reader in ("me", "friend", "younger"):
            if word_count(getattr(sentence, reader) or "") > MOST_WORDS:
                yield document.problem(f"over {MOST_WORDS} words", "sentences", index, reader)


def missing(
    document: YamlDocument, file: SayItFile, field: str, names: Iterable[str]
) -> Iterator[Problem]:
    """Yield the `names` without a sentence and a reason, and words that are none of them.

    `field` is "facts", "categories" or "needs".
    """
    names, reasons = [*names], getattr(file.unsaid, field)
    said: Sequence[str] = [name for each in file.sentences for name in getattr(each, field)]
    for name in names:
        if (name in said) is (name in reasons):
            both = "a sentence and a reason" if name in said else "no sentence and no reason"
            yield document.problem(f"{name}: {both} why it has none", "unsaid", field)
    for name in sorted({*said, *reasons} - {*names}):
        yield document.problem(f"no such word: {name}", "unsaid", field)


def unsaid_facts(path: Path, facts: Iterable[str]) -> Iterator[Problem]:
    """Yield the facts of content/facts.yml for which `path` has no sentence and no reason.

    A note says who did something. To whom, and who did not, needs no sentence.
    """
    document = read_yaml(path)
    file = document.convert(SayItFile)
    facts = [each for each in facts if not each.startswith((NOT_BY, DONE_TO))]
    yield from missing(document, file, "facts", facts)
    known = {*facts}
    for index, adult in enumerate(file.people):
        for fact in adult.caution.facts if adult.caution else ():
            if fact not in known:
                yield document.problem(f"no such fact: {fact}", "people", index, "caution")
