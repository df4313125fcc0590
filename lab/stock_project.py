"""The project that `rasa init` makes, untouched: the peer that the bench runs beside Lantern."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ops.stack import ASSISTANT, Process, free_port

QUIET = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
CREDENTIALS = "rest:\n"


def trained(folder: Path) -> Path:
    """The stock project in `folder`, made and trained with its default pipeline if need be.

    Returns its model. Training takes two to four minutes on two cores.
    """
    model = folder / "models" / "stock.tar.gz"
    if model.is_file():
        return model
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rasa = str(ASSISTANT / "rasa")
    env = {**os.environ, **QUIET}
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        for command in (
            [rasa, "init", "--no-prompt", "--init-dir", str(folder)],
            [rasa, "train", "--fixed-model-name", "stock"],
        ):
            subprocess.run(command, check=True, cwd=folder, env=env, stdout=out, stderr=out)
    return model


def server(folder: Path, log: Path) -> tuple[Process, str]:
    """The stock server, not yet started, and the address that takes its messages."""
    port = free_port()
    credentials = folder / "credentials-bench.yml"
    credentials.write_text(CREDENTIALS)
    command = [
        str(ASSISTANT / "rasa"),
        "run",
        *("--model", str(trained(folder)), "--credentials", str(credentials)),
        *("--interface", "127.0.0.1", "--port", str(port)),
    ]
    base = f"http://127.0.0.1:{port}"
    health = f"{base}/webhooks/rest/"
    return Process("stock", command, QUIET, health, log), f"{base}/webhooks/rest/webhook"
