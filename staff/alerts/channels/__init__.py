"""The channels by which alerts leave, one module each."""
