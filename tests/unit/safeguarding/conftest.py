"""The accounts need the services' packages; the rest is tested in both environments."""

from __future__ import annotations

from importlib.util import find_spec

if not find_spec("psycopg"):
    collect_ignore = ["database", "staff", "test_setup.py"]
