"""A Rasa server of ours loads no TensorFlow, and whatever needs it still gets it."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
from bot.__main__ import load_training_when_asked
load_training_when_asked()
import rasa.core.run, bot.gateway_channel, bot.risk_screen
print([name for name in ("tensorflow", "spacy", "onnxruntime") if name in sys.modules])
"""
ASKED = """
import sys
from bot.__main__ import TRAINING, load_training_when_asked
load_training_when_asked()
import rasa.utils.train_utils
print(rasa.utils.train_utils.rank_and_mask.__module__, "tensorflow" in sys.modules)
"""


def printed(program: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def test_what_only_training_and_assessing_need_is_not_loaded():
    assert printed(LOADED) == "[]"


def test_what_is_asked_for_is_loaded_then():
    assert printed(ASKED) == "rasa.utils.train_utils True"
