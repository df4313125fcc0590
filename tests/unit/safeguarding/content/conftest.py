"""The lint stands on packages of the services alone; the rest is tested in both environments."""

from __future__ import annotations

from importlib.util import find_spec

if not find_spec("phonenumbers"):
    collect_ignore = ["lint"]
