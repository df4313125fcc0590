"""A gateway that answers each message by Rasa, and beside it without Rasa, and notes both.

`python -m lantern compare-without-rasa` runs it. People never talk to it: it writes what was said
to the state folder.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from chat.gateway.assistant import OwnAssistant, answered
from chat.gateway.composition import Dependencies, create_app, dependencies, rasa_pool
from chat.gateway.rasa import RasaReply, RasaRequest, ReplySource
from ops.stack import MODEL
from safeguarding.answering.assistant import Assistant, Variant
from safeguarding.answering.topics import LinearModel, TopicClassifier
from safeguarding.content.reader import Content
from safeguarding.dialogue.model import DialogueModel
from safeguarding.messages import Message
from safeguarding.settings import Settings
from storage.answering import compose_answers
from storage.engine import connect
from web.budget import raise_descriptor_limit
from web.connections import LastingProtocol, serve

NOTES = "compared.jsonl"
"""The file in the state folder: a line for each message that Rasa answered."""
SAME_WEIGHTS, OWN_WEIGHTS = "same weights", "own weights"
_WEIGHTS = "linear.safetensors"


def rasa_weights(model: Path = MODEL) -> LinearModel:
    """Read the weights of the intent classifier out of a trained Rasa model."""
    with tarfile.open(model) as packed, tempfile.TemporaryDirectory() as folder:
        (member,) = (each for each in packed.getmembers() if each.name.endswith(_WEIGHTS))
        read = packed.extractfile(member)
        assert read is not None  # noqa: S101 - a file, not a folder
        path = Path(folder) / _WEIGHTS
        path.write_bytes(read.read())
        return LinearModel.read(path)


class BothWays(OwnAssistant):
    """Returns Rasa's reply, and notes how the replies without Rasa differ from it.

    One of these has the weights of Rasa's classifier: what differs there is a fault of ours. The
    other has those of `train-topics`.
    """

    def __init__(self, rasa: ReplySource, assistants: dict[str, Assistant], notes: Path) -> None:
        super().__init__(None, rasa.timeout_s)
        self._rasa = rasa
        self._assistants = assistants
        self._notes = notes

    async def reply(self, message: RasaRequest, timeout_s: float) -> RasaReply:
        """Return Rasa's reply."""
        started = time.perf_counter()
        theirs = await self._rasa.reply(message, timeout_s)
        note: dict[str, Any] = {
            "rasa_s": time.perf_counter() - started,
            "choice": message.sent.choice,
            "text": message.sent.text,
            "messages": len(theirs.messages),
        }
        for name, assistant in self._assistants.items():
            started = time.perf_counter()
            ours = answered(assistant.choosing(LikeRasa(theirs.messages)), message)
            note |= {f"{name}, s": time.perf_counter() - started}
            memory = msgspec.json.decode(theirs.dialogue or b"{}")
            note[name] = differences(theirs.messages, ours.messages)
            if memory != json.loads(json.dumps(ours.memory.as_record())):
                note[name].append("dialogue")
            if note[name]:
                note[f"{name}, said"] = [theirs.messages, ours.messages]
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")
        return theirs

    async def are_up(self) -> dict[str, bool]:
        """Return for each Rasa server whether it answers."""
        return await self._rasa.are_up()


class LikeRasa:
    """Chooses, of several wordings of a response, the one that Rasa chose, if it is among them."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._texts = {message["text"] for message in messages}

    def __call__(self, variants: Sequence[Variant]) -> Variant:
        """Return that wording; the first where Rasa chose none of them."""
        return next((each for each in variants if _text(each) in self._texts), variants[0])


def _text(variant: Variant) -> str:
    text: str = (variant.get("custom") or variant)["text"]
    return text


def differences(theirs: Sequence[Message], ours: Sequence[Message]) -> list[str]:
    """Return the fields that differ, each as "place kind field"."""
    found = [] if len(theirs) == len(ours) else ["number of messages"]
    for place, (one, other) in enumerate(zip(theirs, ours, strict=False), 1):
        found += [f"{place} {one['kind']} {field}" for field in _differing(one, other)]
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(field for field in {*one, *other} if one.get(field) != other.get(field))


def both_ways(settings: Settings) -> Dependencies:
    """Make the real dependencies, with the replies of both."""
    real = dependencies(settings)

    def make(content: Content, model: DialogueModel) -> BothWays:
        composition = compose_answers(settings, connect(settings.database_url), content)
        own = TopicClassifier.load()
        assistants = {
            SAME_WEIGHTS: Assistant(composition, own.with_model(rasa_weights()), model),
            OWN_WEIGHTS: Assistant(composition, own, model),
        }
        rasa = rasa_pool(settings, real.channel_secret)
        return BothWays(rasa, assistants, settings.state_dir / NOTES)

    return replace(real, reply_source=make)


if __name__ == "__main__":
    settings = Settings.from_env()
    raise_descriptor_limit()
    app = create_app(settings=settings, build=both_ways)
    serve(app, settings.gateway_host, settings.gateway_port, LastingProtocol)
