"""The sentence encoder: vectors, what reads risk from them, and which examples are nearest."""
