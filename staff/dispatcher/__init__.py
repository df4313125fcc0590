"""The dispatcher: tells staff of what was handed over, until a person has opened it."""
