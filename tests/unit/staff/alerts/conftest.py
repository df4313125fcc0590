"""Staff and a rota, for alerts to go to."""

from tests.unit.staff.rota.conftest import accounts, clock, rota, team

__all__ = ["accounts", "clock", "rota", "team"]
