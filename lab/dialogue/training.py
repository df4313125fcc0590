"""Trains the model of the dialogue: `python -m lantern train-dialogue`.

It learns from the phrasings of content/replies and the training part of data/dialogues. The
development part chooses the thresholds; the test part is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from lab.dialogue.conversations import (
    LabelledDialogue,
    labels_of,
    latest_of,
    messages,
    shares,
)
from lab.dialogue.hearing import Hearing, heard
from safeguarding.content.facts import Facts
from safeguarding.content.replies import ReplyRecord
from safeguarding.dialogue.encoder import ASK, CARD, DANGER, HALF, WIDTH, context_of
from safeguarding.dialogue.model import DialogueModel, Place
from safeguarding.taxonomy import taxonomy

Floats = npt.NDArray[np.float32]
_UNITS = 24
_EPOCHS = 30
_SCALE = np.float32(5.5)
_STEPS = 35
_START = 2.0
"""How many steps a linear model takes (100 rank the development turns no better), and the length of
the mean vectors it begins from."""


class Encode(Protocol):
    """Makes the vectors of texts."""

    def __call__(self, texts: Sequence[str], contexts: Sequence[str] = (), /) -> Floats:
        """Return the joined vector of each text, shape (texts, 1536), after its context if any."""


@dataclass(frozen=True)
class LabelledTurn:
    """A message in its place, with what it does and what may answer it."""

    text: str
    place: Place
    act: str
    right: tuple[str, ...]
    context: str = ""
    """What came before, as DialogueEncoder reads it."""
    is_held: bool = False
    """Whether only the ranking learns from it (lab.dialogue.conversations.HELD)."""


def labelled_turns(
    dialogues: Sequence[LabelledDialogue],
    replies: Mapping[str, ReplyRecord],
    facts: Facts,
    canonical: Callable[[str], str],
    category_of: Callable[[str], str | None],
    hearing: Hearing | None = None,
) -> Iterator[LabelledTurn]:
    """Yield each message of the conversations in its place.

    With `hearing`, those that only the ranking learns from are in the place that they would have in
    service.
    """
    for dialogue in dialogues:
        place = Place(audience=dialogue.audience)
        said: set[str] = set()
        previous = ""
        in_service = hearing.places(dialogue) if hearing and dialogue.is_held else repeat(None)
        for (turn, before), real in zip(messages(dialogue), in_service, strict=False):
            latest = latest_of(before)
            context = context_of(previous, canonical(labels_of(latest, replies)))
            previous = canonical(turn.user or "")
            kind, reply = _kind(latest, replies)
            said |= {t.reply for t in latest if t.reply}
            place = replace(
                place,
                need=place.need_after,
                need_after=turn.need or place.need_after,
                last_kind=kind,
                last_reply=reply,
                said=frozenset(said),
                facts=place.facts | facts.said_in(previous),
                topics=frozenset({turn.topic} if turn.topic else ()) | _kept(place),
                categories=place.categories
                | ({c} if turn.topic and turn.need and (c := category_of(turn.topic)) else set()),
                asked=bool(latest)
                and any((t.lantern or "").rstrip().endswith("?") for t in latest),
            )
            act = turn.act or "unclear"
            found = heard(place, real) if real else place
            yield LabelledTurn(
                turn.user or "", found, act, turn.right, context, is_held=dialogue.is_held
            )


def _kept(place: Place) -> frozenset[str]:
    return frozenset(sorted(place.topics)[:1])


def _kind(latest: Sequence[Any], replies: Mapping[str, ReplyRecord]) -> tuple[str, str | None]:
    if not latest:
        return "none", None
    known = next((t.reply for t in latest if t.reply in replies), None)
    if known:
        return "reply", known
    labels = {t.reply for t in latest}
    if labels & {CARD, DANGER}:
        return "card", None
    return ("ask" if ASK in labels else "other"), None


def softmax_regression(
    x: Floats,
    y: npt.NDArray[np.int64],
    classes: int,
    weight: Floats,
    penalty: float,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Return weights (classes, features) and biases of a multinomial logistic regression.

    `start` are weights to begin from; without them it begins from zero.
    """
    torch.manual_seed(20261129)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    each = torch.from_numpy(weight)
    begin = np.zeros((classes, x.shape[1]), np.float32) if start is None else start
    w = torch.from_numpy(begin.copy()).requires_grad_()
    b = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [w, b], max_iter=_STEPS, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> Any:
        optimiser.zero_grad()
        losses = torch.nn.functional.cross_entropy(inputs @ w.T + b, labels, reduction="none")
        loss = (losses * each).sum() + penalty / 2 * w.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return w.detach().numpy(), b.detach().numpy()


def in_halves(
    x: Floats,
    y: npt.NDArray[np.int64],
    classes: int,
    weight: Floats,
    penalty: float,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Train a regression on each encoder's part of the features, and return their sum as one.

    The sum of two models ranks better than one model of both parts (on the development turns the
    first reply is right in 52.8 % instead of 51.7 %), because each sees every turn alone. Features
    that belong to no encoder go to both.
    """
    whole, bias = np.zeros((classes, x.shape[1]), np.float32), np.zeros(classes, np.float32)
    for columns in _columns(x.shape[1]):
        begin = None if start is None else start[:, columns]
        found, found_bias = softmax_regression(x[:, columns], y, classes, weight, penalty, begin)
        whole[:, columns] += found
        bias += found_bias
    return whole, bias


def _columns(width: int) -> list[npt.NDArray[np.int64]]:
    """Return the columns of each encoder among features that begin with joined vectors."""
    vectors = width // WIDTH * WIDTH
    at = np.arange(width)
    own = [at[(at < vectors) & (at // HALF % 2 == half)] for half in (0, 1)]
    return [np.concatenate([each, at[vectors:]]) for each in own]


def train(
    turns: Sequence[LabelledTurn],
    replies: Mapping[str, ReplyRecord],
    everyday: Sequence[str],
    encode: Encode,
    words: Callable[[str], int],
) -> DialogueModel:
    """Train the three models.

    The ranking learns from the other two, and from the encoder, as they read writers whom none of
    them has learned from. Then the other two learn from those writers as well.
    """
    data = _Data.encoded(turns, replies, everyday, encode, words)
    held = [k for k, turn in enumerate(turns) if turn.is_held]
    learned = [k for k, turn in enumerate(turns) if not turn.is_held]
    x, y = _ranking_rows(data, _heads(data, learned), held)
    return replace(_heads(data, range(len(turns))), **_ranking(x, y))


@dataclass(frozen=True)
class _Data:
    turns: Sequence[LabelledTurn]
    replies: Mapping[str, ReplyRecord]
    names: Sequence[str]
    phrasings: Sequence[tuple[int, str]]
    own: Floats
    vectors: Floats
    everyday: Floats
    words: Callable[[str], int]

    @classmethod
    def encoded(
        cls,
        turns: Sequence[LabelledTurn],
        replies: Mapping[str, ReplyRecord],
        everyday: Sequence[str],
        encode: Encode,
        words: Callable[[str], int],
    ) -> _Data:
        names = sorted(replies)
        phrasings = [(at, text) for at, name in enumerate(names) for text in replies[name].asked]
        own = encode([text for _, text in phrasings])
        vectors = encode([turn.text for turn in turns], [turn.context for turn in turns])
        return cls(turns, replies, names, phrasings, own, vectors, encode(everyday), words)


def _heads(data: _Data, learned: Iterable[int]) -> DialogueModel:
    """Train the models of replies and acts on the phrasings and on these turns."""
    acts, names = list(taxonomy().dialogue_acts), data.names
    known = {name: at for at, name in enumerate(names)}
    learned = list(learned)
    told = [(known[r], k) for k in learned for r in data.turns[k].right[:1] if r in known]
    nothing = [k for k in learned if not any(r in known for r in data.turns[k].right)]
    x = np.vstack(
        [data.own, data.vectors[[k for _, k in told]], data.vectors[nothing], data.everyday]
    )
    none = len(nothing) + len(data.everyday)
    y = np.array([at for at, _ in data.phrasings] + [at for at, _ in told] + [len(names)] * none)
    each = np.concatenate([np.ones(len(data.own)), np.full(len(told), 0.7), np.full(none, 0.3)])
    at_of = np.array([at for at, _ in data.phrasings])
    centroids = np.stack([_unit(data.own[at_of == at].mean(0)) for at in range(len(names))])
    start = np.vstack([_START * centroids, np.zeros((1, WIDTH), np.float32)]).astype(np.float32)
    weight, bias = in_halves(x * _SCALE, y, len(names) + 1, each.astype(np.float32), 1.0, start)
    nil = np.zeros(1, np.float32)
    model = DialogueModel(
        acts=acts,
        replies=names,
        act_weight=nil,
        act_bias=nil,
        reply_weight=weight * _SCALE,
        reply_bias=bias,
        answer_weight=nil,
        answer_bias=nil,
        centroids=centroids,
        hidden_weight=nil,
        hidden_bias=nil,
        rank_weight=nil,
        rank_bias=0.0,
        mean=nil,
        scale=nil,
    )
    return _in_place(data, model, learned)


def _in_place(data: _Data, model: DialogueModel, learned: Sequence[int]) -> DialogueModel:
    """Train the models of acts and of answers, which read a message in its place."""
    acts, names = list(model.acts), data.names
    known = {name: at for at, name in enumerate(names)}
    rows: list[Floats] = []
    act_of, act_rows, act_weights = [], [], []
    answer_of, answer_rows, answer_weights = [], [], []
    for k in learned:
        turn = data.turns[k]
        act_rows.append(len(rows))
        act_of.append(acts.index(turn.act))
        act_weights.append(1.0)
        good = [known[r] for r in turn.right if r in known] or [len(names)]
        for at, share in zip(good, shares(len(good)), strict=True):
            answer_rows.append(len(rows))
            answer_of.append(at)
            answer_weights.append(share)
        rows.append(model.features(data.vectors[k], turn.place, data.words(turn.text)))
    for (at, text), vector in zip(data.phrasings, data.own, strict=True):
        reply = data.replies[names[at]]
        need = reply.needs[0] if reply.needs else None
        place = Place(need=need, need_after=need, last_kind="other" if need else "none")
        for name in reply.acts:
            act_rows.append(len(rows))
            act_of.append(acts.index(name))
            act_weights.append(0.5 / len(reply.acts))
        answer_rows.append(len(rows))
        answer_of.append(at)
        answer_weights.append(0.5)
        rows.append(model.features(vector, place, data.words(text)))
    x = np.stack(rows)
    scale = np.ones(x.shape[1], np.float32)
    scale[:WIDTH], scale[WIDTH : 2 * WIDTH] = _SCALE, 2.0
    x *= scale
    act_weight, act_bias = in_halves(
        x[act_rows], np.array(act_of), len(acts), np.array(act_weights, np.float32), 1.0
    )
    start = np.zeros((len(names) + 1, x.shape[1]), np.float32)
    start[:, :WIDTH] = model.reply_weight / _SCALE
    answer_weight, answer_bias = in_halves(
        x[answer_rows],
        np.array(answer_of),
        len(names) + 1,
        np.array(answer_weights, np.float32),
        1.0,
        start,
    )
    return replace(
        model,
        act_weight=act_weight * scale,
        act_bias=act_bias,
        answer_weight=answer_weight * scale,
        answer_bias=answer_bias,
    )


def _ranking_rows(data: _Data, model: DialogueModel, read: Iterable[int]) -> tuple[Floats, Floats]:
    """Return the features of the candidates of these turns, and whether each is right."""
    rows, right = [], []
    for k in read:
        turn, vector, words = data.turns[k], data.vectors[k], data.words(data.turns[k].text)
        acts = model.act_probabilities(vector, turn.place, words)
        good = [r for r in turn.right if r in data.replies]
        ids, features = model.rank_features(vector, turn.place, words, data.replies, acts, good)
        rows.append(features)
        right += [float(id_ in good) for id_ in ids]
    return np.vstack(rows), np.array(right, np.float32)


def _ranking(x: Floats, y: Floats) -> dict[str, Any]:
    mean, scale = x.mean(0), x.std(0) + 1e-6
    torch.manual_seed(20261129)
    net = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], _UNITS), torch.nn.Tanh(), torch.nn.Linear(_UNITS, 1)
    )
    inputs, labels = torch.from_numpy((x - mean) / scale), torch.from_numpy(y)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
    for _ in range(_EPOCHS):
        for at in torch.randperm(len(inputs)).split(4096):
            optimiser.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                net(inputs[at])[:, 0], labels[at]
            )
            loss.backward()
            optimiser.step()
    return {
        "hidden_weight": net[0].weight.detach().numpy(),
        "hidden_bias": net[0].bias.detach().numpy(),
        "rank_weight": net[2].weight.detach().numpy()[0],
        "rank_bias": float(net[2].bias.detach()[0]),
        "mean": mean,
        "scale": scale,
    }


def _unit(vector: Floats) -> Floats:
    """Return a joined vector whose halves both have the length 1."""
    halves = vector.reshape(2, HALF)
    found: Floats = (halves / np.linalg.norm(halves, axis=1, keepdims=True)).ravel()
    return found
