"""Trains the model of the dialogue: `python -m lantern train-dialogue`.

It learns from the phrasings of content/replies and the training part of data/dialogues. The
development part chooses the thresholds; the test part is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from lab.dialogue.conversations import shares
from lab.dialogue.linear import in_halves
from lab.dialogue.turns import LabelledTurn, leaning
from safeguarding.content.replies import Replies, ReplyRecord
from safeguarding.dialogue.encoder import HALF, WIDTH
from safeguarding.dialogue.model import DialogueModel, Place
from safeguarding.taxonomy import taxonomy

Floats = npt.NDArray[np.float32]
_UNITS = 24
_EPOCHS = 30
_SCALE = np.float32(5.5)
_START = 2.0
"""The length of the mean vectors that the model of the replies begins from."""


class Encode(Protocol):
    """Makes the vectors of texts."""

    def __call__(self, texts: Sequence[str], contexts: Sequence[str] = (), /) -> Floats:
        """Return the joined vector of each text, shape (texts, 1536), after its context if any."""


def train(
    turns: Sequence[LabelledTurn],
    bank: Replies,
    everyday: Sequence[str],
    encode: Encode,
    words: Callable[[str], int],
) -> DialogueModel:
    """Train the three models.

    The ranking learns from the other two, and from the encoder, as they read writers whom none of
    them has learned from. Then the other two learn from those writers as well.
    """
    data = _Data.encoded(turns, bank.all(), everyday, encode, words)
    held = [k for k, turn in enumerate(turns) if turn.is_held]
    learned = [k for k, turn in enumerate(turns) if not turn.is_held]
    model, vectors = _heads(data, learned), data.vectors[held]
    read = [*leaning([turns[k] for k in held], vectors, model, bank)]
    x, y = _ranking_rows(data, model, read, vectors)
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


def _ranking_rows(
    data: _Data, model: DialogueModel, read: Iterable[LabelledTurn], vectors: Floats
) -> tuple[Floats, Floats]:
    """Return the features of the candidates of these turns, and whether each is right.

    A reply that no turn lists was written after the labels. Whether it is right is not known, so it
    is left out: as wrong ones, such replies made the ranking doubt all others.
    """
    listed = {reply for turn in data.turns for reply in turn.right}
    rows, right = [], []
    for turn, vector in zip(read, vectors, strict=True):
        words = data.words(turn.text)
        acts = model.act_probabilities(vector, turn.place, words)
        good = [r for r in turn.right if r in data.replies]
        ids, features = model.rank_features(vector, turn.place, words, data.replies, acts, good)
        known = [at for at, id_ in enumerate(ids) if id_ in listed]
        rows.append(features[known])
        right += [float(ids[at] in good) for at in known]
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
