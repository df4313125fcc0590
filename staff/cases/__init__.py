"""Escalations: what a member of staff must read, and the encrypted log that keeps it."""
