"""Wilson's score interval for a share (E. B. Wilson, JASA 22, 1927)."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959964


def interval(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """Lower and upper bound of the true share, 0 to 1; (0, 1) when there are no trials."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    centre = share + z * z / (2 * of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
