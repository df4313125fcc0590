"""Alerts: whom to tell of a hand-off, when, and again until a person has opened it."""
