"""Retention: how long cases are kept, how they are disposed of, and copies to restore from."""
