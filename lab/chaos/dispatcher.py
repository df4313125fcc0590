"""The dispatcher of `make chaos`: `python -m lab.chaos.dispatcher`. Its screening is its own."""

from __future__ import annotations

import os
import sys

from lab.chaos.screening import COMMAND
from staff.dispatcher.__main__ import main

if __name__ == "__main__":
    status = main(COMMAND)
    sys.stderr.flush()
    os._exit(status)
