"""What a person tells a command: by its options, or by answering its questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping

Ask = Callable[[str], str]
Objection = Callable[[str], str | None]
"""What is wrong with an answer, or None when it will do."""


class RefusedError(Exception):
    """What was asked for cannot be done. Says why, to the person who asked."""


class Answers:
    """Asks for what no option gave. Without `ask` it takes the default instead."""

    def __init__(self, options: Mapping[str, str | None], ask: Ask | None) -> None:
        self._options = options
        self._ask = ask

    def get(self, name: str, question: str, objection: Objection, default: str = "") -> str:
        """The option called `name`, else an answer to `question`, that `objection` lets pass.

        An empty question is not asked. Raises RefusedError where it cannot ask again.
        """
        given = self._options.get(name)
        if given is not None or self._ask is None or not question:
            answer = (default if given is None else given).strip()
            if why := objection(answer):
                raise RefusedError(f"--{name}: {why}")
            return answer
        prompt = f"{question} [{default}]: " if default else f"{question}: "
        while why := objection(answer := self._ask(prompt).strip() or default):
            sys.stdout.write(f"{why}\n")
        return answer

    def confirm(self, question: str) -> None:
        """Go on only if the person says yes. Raises RefusedError."""
        if self._ask and self._ask(f"{question} (yes or no): ").strip().lower() not in {"y", "yes"}:
            raise RefusedError("Nothing was written.")


def one_of(allowed: Collection[str]) -> Objection:
    """Objects to whatever is none of these names."""
    return lambda answer: None if answer in allowed else f"Write one of {', '.join(allowed)}."


def some_of(allowed: Collection[str]) -> Objection:
    """Objects to a list, with commas between, of anything but these names."""

    def objection(answer: str) -> str | None:
        if set(listed(answer)) <= set(allowed):
            return None
        return f"Write one or more of {', '.join(allowed)}, with commas between."

    return objection


def listed(answer: str) -> list[str]:
    """The parts of an answer with commas between them."""
    return [part.strip() for part in answer.split(",")]
