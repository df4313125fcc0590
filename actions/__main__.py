"""Start the action server: `python -m actions`. On this machine only, unless told otherwise."""

from __future__ import annotations

import os
import sys

from rasa_sdk.__main__ import main

# rasa-sdk 3.21 serves Rasa 3.6 and warns on every call that the two differ. The pair is tested
# (tests/integration) and chosen (docs/adr/0005), so the warning would only hide others.
KNOWN_WARNING = "ignore:Your versions of rasa and rasa_sdk might not be compatible:UserWarning"
PORT = "5055"


def start() -> None:
    """Run rasa-sdk's server on our actions. Never returns while it serves."""
    os.environ.setdefault("SANIC_HOST", "127.0.0.1")  # its answers to errors hold the whole call
    known = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{known},{KNOWN_WARNING}" if known else KNOWN_WARNING
    sys.argv = ["rasa_sdk", "--actions", "actions", "--port", PORT, "--quiet", *sys.argv[1:]]
    main()


if __name__ == "__main__":
    start()
