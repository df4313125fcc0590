"""The trained model of the dialogue: what a message does, and which replies may answer it.

artifacts/dialogue.safetensors holds four small models over the vector of DialogueEncoder:

- acts: the dialogue act of a message in its place (content/taxonomy.yml, `dialogue_acts`);
- replies: which reply of content/replies the words of a message ask for, wherever they are said;
- answers: which reply follows the message in its place, after the reply that was given last;
- ranking: the probability that a reply is right here, from the three above and the conversation.

`python -m lantern train-dialogue` trains them on the replies' phrasings and on the conversations of
data/dialogues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from safeguarding.artifacts import ADAPTER, DIALOGUE, DIALOGUE_ADAPTER, checked, manifest
from safeguarding.content.replies import FIRST, ReplyRecord
from safeguarding.dialogue.encoder import WIDTH
from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import taxonomy

LAST_KINDS = ("none", "card", "reply", "article", "guide", "contacts", "ask", "other")
"""What Lantern said last."""
LENGTHS = (2, 5, 10, 20, 40)
"""Upper bounds of the classes of length, in words."""
CANDIDATES = 24
"""How many replies are ranked for a message."""
_LEAST, _LEAST_ASKED = 1e-4, 0.005
MADE_FROM = "made_from"
"""The key of the artifact's metadata that names the encoders."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Place:
    """Where in the conversation a message stands."""

    need: str | None = None
    """The need in hand before the message."""
    need_after: str | None = None
    """The need in hand with the message."""
    categories: frozenset[str] = frozenset()
    """The risk categories of the conversation with the message."""
    topics: frozenset[str] = frozenset()
    """The topic last asked about or shown, and the one that the message asks about."""
    facts: frozenset[str] = frozenset()
    """The facts said so far, with the message."""
    last_kind: str = "none"
    """What Lantern said last, one of LAST_KINDS."""
    last_reply: str | None = None
    """The id of the reply of content/replies that Lantern gave last, in its last turn."""
    said: frozenset[str] = frozenset()
    """The ids of the replies that Lantern has given."""
    asked: bool = False
    """Whether a question of Lantern's is open."""
    audience: str | None = None
    leaning: Mapping[str, float] = field(default_factory=dict)
    """The weights of the replies that the messages before asked for (ConversationState)."""
    themes: Mapping[str, float] = field(default_factory=dict)
    """For each reply the weight of its theme in these (Replies.in_themes)."""


@dataclass(frozen=True)
class Candidate:
    """A reply, and the probability that it is right here."""

    id: str
    probability: float
    in_place: bool = True
    """Whether what was said before, or the message, makes sense of it."""
    names_999: bool = False
    need: str | None = None
    """The first need after which it counts."""
    of_this_matter: bool = False
    """Whether it is a reply to a fact that is only about the categories of the conversation."""
    of_other_matter: bool = False
    """Whether all its categories are others than those of the conversation."""
    is_everyday: bool = False
    """Whether it answers ordinary life, in which no harm is told."""
    is_question: bool = False
    """Whether it answers something that a person may ask or want."""


class Fit(NamedTuple):
    """How well the words of a message fit a reply, each but the likeness between 0 and 1."""

    asked: float
    """The probability that they ask for it, wherever they are said."""
    answer: float
    """The probability that it follows here."""
    likeness: float
    """The cosine to the mean of its phrasings, between -1 and 1."""
    none: float
    """The probability that they ask for none of the replies."""


@dataclass(frozen=True)
class DialogueModel:
    """The weights, and the names of their rows."""

    acts: Sequence[str]
    replies: Sequence[str]
    act_weight: Floats
    """Shape (acts, features of `features`)."""
    act_bias: Floats
    reply_weight: Floats
    """Shape (replies + 1, 1536); the last row is "none of these"."""
    reply_bias: Floats
    answer_weight: Floats
    """Shape (replies + 1, features of `features`); the last row is "none of these"."""
    answer_bias: Floats
    centroids: Floats
    """Mean vector of each reply's phrasings, shape (replies, 1536); each half has the length 1."""
    hidden_weight: Floats
    """Shape (units, features of `rank_features`)."""
    hidden_bias: Floats
    rank_weight: Floats
    """Shape (units,)."""
    rank_bias: float
    mean: Floats
    scale: Floats
    """Mean and spread of each feature of `rank_features`, to standardise it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """MADE_FROM: the encoders that it was trained on."""

    def act_probabilities(
        self, vector: Floats | None, place: Place, words: int
    ) -> dict[str, float]:
        """Return the probability of each act.

        `vector` is that of DialogueEncoder, None without a word; `words` the length of the message.
        """
        scores = self.act_weight @ self.features(vector, place, words) + self.act_bias
        return dict(zip(self.acts, map(float, softmax(scores)), strict=True))

    def asked(self, vector: Floats | None) -> dict[str, float]:
        """Return the replies that the words of a message ask for, each with its probability.

        Those below _LEAST_ASKED are left out; without a word there are none.
        """
        if vector is None or not self.replies:
            return {}
        chances = softmax(self.reply_weight @ vector + self.reply_bias)[:-1]
        likely = np.flatnonzero(chances >= _LEAST_ASKED)
        return {self.replies[at]: float(chances[at]) for at in likely}

    def features(self, vector: Floats | None, place: Place, words: int) -> Floats:
        """Return the features of a message in its place: its act and its answer are read there."""
        message = np.zeros(WIDTH, np.float32) if vector is None else vector
        return np.concatenate([message, self._centroid(place.last_reply), _of_place(place, words)])

    def rank(
        self,
        vector: Floats | None,
        place: Place,
        words: int,
        replies: Mapping[str, ReplyRecord],
        acts: Mapping[str, float],
    ) -> list[Candidate]:
        """Return the likeliest of `replies`, best first, each with its probability of being right.

        The probabilities are of each reply by itself; they do not sum to 1.
        """
        if vector is None or not any(id_ in replies for id_ in self.replies):
            return []
        ids, features = self.rank_features(vector, place, words, replies, acts)
        standard = (features - self.mean) / self.scale
        hidden = np.tanh(standard @ self.hidden_weight.T + self.hidden_bias)
        chances = 1 / (1 + np.exp(-(hidden @ self.rank_weight + self.rank_bias)))
        ranked = sorted(zip(ids, map(float, chances), strict=True), key=lambda each: -each[1])
        return [Candidate(id_, chance) for id_, chance in ranked]

    def rank_features(
        self,
        vector: Floats,
        place: Place,
        words: int,
        replies: Mapping[str, ReplyRecord],
        acts: Mapping[str, float],
        also: Sequence[str] = (),
    ) -> tuple[list[str], Floats]:
        """Return the ids of the replies to rank, and a row of features for each.

        `also` are ids to rank whatever their score. A reply that the model does not know is left
        out: it was written after the training.
        """
        known = [at for at, id_ in enumerate(self.replies) if id_ in replies]
        fits = self._fits_of(vector, place, words, known)
        by_asked = sorted(known, key=lambda at: -fits[at].asked)[:CANDIDATES]
        by_answer = sorted(known, key=lambda at: -fits[at].answer)[: CANDIDATES // 2]
        by_place = sorted(
            known,
            key=lambda at: -(fits[at].likeness + 0.4 * _suits(replies[self.replies[at]], place)),
        )[: CANDIDATES // 2]
        forced = [at for at in known if self.replies[at] in also]
        rows = list(dict.fromkeys([*by_asked, *by_answer, *by_place, *forced]))
        best = Fit(*(max(values) for values in zip(*(fits[at] for at in rows), strict=True)))
        features = [
            _of_reply(replies[self.replies[at]], place, words, acts, fits[at], best) for at in rows
        ]
        return [self.replies[at] for at in rows], np.array(features, np.float32)

    def _fits_of(
        self, vector: Floats, place: Place, words: int, known: Sequence[int]
    ) -> dict[int, Fit]:
        """Return how well the words of a message fit each of these replies, by index."""
        rows = [*known, len(self.replies)]
        asked = softmax((self.reply_weight @ vector + self.reply_bias)[rows])
        place_of = self.features(vector, place, words)
        answer = softmax((self.answer_weight @ place_of + self.answer_bias)[rows])
        likeness = self.centroids @ vector / 2
        none = float(asked[-1])
        return {
            at: Fit(float(asked[k]), float(answer[k]), float(likeness[at]), none)
            for k, at in enumerate(known)
        }

    def _centroid(self, reply: str | None) -> Floats:
        if reply is None or reply not in self.replies:
            return np.zeros(WIDTH, np.float32)
        found: Floats = self.centroids[self.replies.index(reply)]
        return found


def _suits(reply: ReplyRecord, place: Place) -> float:
    """Return how well the reply's conditions agree with the place, from -1 to 2."""
    if reply.needs and place.need_after not in reply.needs and "danger_now" not in reply.needs:
        return 1.0 if place.topics & {*reply.topics} else -1.0
    score = 0.0
    if reply.needs:
        score += 1.0
    if reply.categories:
        score += 1.0 if place.categories & {*reply.categories} else -1.0
    return score


def _of_reply(
    reply: ReplyRecord, place: Place, words: int, acts: Mapping[str, float], fit: Fit, best: Fit
) -> list[float]:
    act = sum(acts.get(name, 0.0) for name in reply.acts)
    first = reply.id.startswith(FIRST)
    return [
        float(np.log(fit.asked + _LEAST)),
        fit.asked,
        fit.asked - best.asked,
        float(np.log(fit.answer + _LEAST)),
        fit.answer,
        fit.answer - best.answer,
        float(np.log(fit.none + _LEAST)),
        fit.likeness,
        fit.likeness - best.likeness,
        act,
        float(np.log(act + _LEAST)),
        acts.get("discloses", 0.0),
        float(reply.is_general),
        float(bool(reply.needs) and place.need_after in reply.needs),
        float(bool(reply.needs) and place.need_after not in reply.needs),
        float(bool(place.categories & {*reply.categories})),
        float(bool(reply.categories) and not place.categories & {*reply.categories}),
        float(bool(place.topics & {*reply.topics})),
        float(reply.topic is not None and reply.topic in place.topics),
        float(place.need is None),
        float(place.need_after is None),
        float(first),
        float(first and place.need is None),
        float(reply.id in place.said),
        float(place.last_reply is not None and place.last_reply in reply.after),
        float((place.last_reply or "").split("_")[0] == reply.id.split("_")[0]),
        float(len(place.facts & {*reply.facts})),
        float(words <= LENGTHS[1]),
        float(words > LENGTHS[3]),
        float(reply.is_general and place.need_after is not None),
        float(place.audience in {"parent", "professional"}),
        place.themes.get(reply.id, 0.0),
        float(np.log(place.leaning.get(reply.id, 0.0) + _LEAST)),
    ]


def _of_place(place: Place, words: int) -> Floats:
    """Return what is known of a message's place as numbers between 0 and 1."""
    needs = [None, *taxonomy().needs]
    found = [
        *(float(place.need == need) for need in needs),
        *(float(place.need_after == need) for need in needs),
        *(float(place.last_kind == kind) for kind in LAST_KINDS),
        *(float(words <= most) for most in LENGTHS),
        float(place.asked),
        float(place.audience in {"parent", "professional"}),
    ]
    return np.array(found, np.float32)


def softmax(scores: Floats) -> Floats:
    """Return probabilities of scores."""
    powers = np.exp(scores - scores.max())
    found: Floats = (powers / powers.sum()).astype(np.float32)
    return found


def encoders() -> str:
    """Return the versions of both adapters. Raises ContentError."""
    listed = manifest()
    return " ".join(listed[name].version for name in (ADAPTER, DIALOGUE_ADAPTER))


def read_dialogue_model(path: Path | None = None) -> DialogueModel:
    """Read the artifact.

    Raises ContentError if it is missing, not the one of the manifest, or trained on the vectors of
    other encoders.
    """
    path = path or checked(DIALOGUE)
    with safe_open(path, "np") as file:
        facts: dict[str, str] = file.metadata() or {}
        tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    if facts.get(MADE_FROM) != encoders():
        what = "was trained on the vectors of other encoders: run `make dialogue-model`"
        raise ContentError([Problem(path, 1, what)])
    acts, replies = json.loads(facts.pop("acts")), json.loads(facts.pop("replies"))
    rank_bias = float(tensors.pop("rank_bias")[0])
    return DialogueModel(acts, replies, rank_bias=rank_bias, facts=facts, **tensors)
