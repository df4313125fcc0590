"""What a browser calls itself, in words by which its owner knows it again."""

from __future__ import annotations

_BROWSERS = {"Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "CrOS": "Chromebook",
    "Mac OS": "Mac",
    "Linux": "Linux",
}
_UNKNOWN = "unknown"


def browser_of(user_agent: str) -> str:
    """ "Firefox, Windows" for the User-Agent header; never the header itself: anyone writes it."""
    return f"{_first(_BROWSERS, user_agent)}, {_first(_SYSTEMS, user_agent)}"


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((words for sign, words in names.items() if sign in user_agent), _UNKNOWN)
