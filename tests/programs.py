"""Programs that tests run and a machine may lack."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str) -> str:
    """Its path. On CI it has to be there: .ci/run installs it. Elsewhere the test is skipped."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run what needs {name}: install it")
        pytest.skip(f"{name} is not here")
    return found
