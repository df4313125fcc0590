"""Rasa's command line without TensorFlow: `python -m bot run …` does what `rasa run …` does."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

TRAINING = "rasa.utils.train_utils"


def load_training_when_asked() -> None:
    """Replace `rasa.utils.train_utils` by a stand-in that imports it at the first use.

    Every extractor of Rasa 3.6 imports that module, which imports TensorFlow: 350 MB and two
    seconds, in a server that trains nothing. Must be called before rasa.core is imported.
    """
    stand_in = ModuleType(TRAINING)

    def attribute(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(TRAINING) is stand_in:
            del sys.modules[TRAINING]
        return getattr(importlib.import_module(TRAINING), name)

    stand_in.__getattr__ = attribute  # type: ignore[method-assign]
    package, _, name = TRAINING.rpartition(".")
    if TRAINING not in sys.modules:
        sys.modules[TRAINING] = stand_in
        setattr(importlib.import_module(package), name, stand_in)


def main() -> None:
    """Run Rasa with the arguments of this command."""
    load_training_when_asked()
    rasa = importlib.import_module("rasa.__main__")
    rasa.main()


if __name__ == "__main__":
    main()
