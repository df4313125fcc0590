"""Messages for browser tests of the widget to show: one of every kind of part."""

from __future__ import annotations

from typing import Any

ANSWER: dict[str, Any] = {
    "kind": "answer",
    "topic": "what_is_grooming",
    "title": "What is grooming?",
    "text": "Someone builds your trust to use you.\n\nIt is never your fault.",
    "steps": ["Tell an adult you trust.", "Or talk to Childline."],
    "sources": [
        {
            "title": "Grooming",
            "publisher": "NSPCC Learning",
            "url": "https://learning.nspcc.org.uk/grooming",
            "date": "2018-11",
        }
    ],
    "reviewed_on": "2026-11-25",
    "review_due": "2027-05-25",
    "approved": False,
    "choices": [{"id": "ask_talk_to_someone", "label": "Talk to someone"}],
}
CONTACTS: dict[str, Any] = {
    "kind": "contacts",
    "text": "These people can help.",
    "contacts": [
        {
            "id": "childline",
            "name": "Childline",
            "what": "For anyone under 19.",
            "ways": [
                {"kind": "phone", "label": "Call 0800 1111", "href": "tel:08001111"},
                {"kind": "web", "label": "Not a way", "href": "javascript:alert(1)"},
            ],
            "hours": "Open day and night.",
            "open_now": True,
            "checked_on": "2026-11-25",
        }
    ],
}
