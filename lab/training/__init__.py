"""How the risk classifier is made: never loaded by a running service."""
