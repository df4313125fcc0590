"""Recognises questions about the service itself: who reads this, what will they ask, what next.

A person asks them around a disclosure. They say nothing of what happened, so none of them is the
message that staff should read first.
"""

from __future__ import annotations

import re

_MOST_WORDS = 25
"""Words up to which a message can be nothing but a question."""
_PARTS = {
    "they": r"(?:they|you|u|ya|childline|ceop|(?:the )?police|(?:the |my )?(?:school|teacher|team)|"
    r"someone|somebody|anyone|people|the person|social (?:workers?|services)|it|this|lantern)",
    "will": r"(?:will|would|do|does|can|could|are|is|r|have|has|might|going to|gonna)",
    "at": r"(?:^|[.,;!?] ?|\b(?:and|but|so|ok|okay|then|if i (?:tell|ring|call)(?: \w+){0,3}) )",
    "just": r"(?:(?:going to|gonna|have to|need to|get to|be able to|ever|even|just|really|all) )*",
    "act": r"(?:tell|ring|call|phone|contact|text|report|keep|save|share|record|track|trace|read|"
    r"believe|judge|listen|come|turn up|answer|find out|know (?:who|where|my|it)|ask|arrest)",
    "kind": r"(?:private|confidential|anonymous|recorded|saved|secret|real|free|human|there|open|"
    r"(?:an? )?(?:real |actual )?(?:person|human|bot|robot|computer|machine|ai|app))",
    "home": r"\b(?:(?:my |his |her )?(?:mum|dad|parents|family|carers?))",
}
_FORMS = (
    r"\bwhat {will} {they} {just}(?:ask|say|do|want|need|tell|write)\b",
    r"\bwhat (?:happens?|will happen|is going to happen|s going to happen|s gonna happen)\b",
    r"\bwho (?:else )?(?:{will} )?{just}(?:reads?|sees?|knows?|finds? out|hears?|gets? told)\b",
    r"{at}{will} {they} {just}{act}\b",
    r"{at}(?:is|are|r) (?:this|it|you|u|my (?:messages|chat)) {just}{kind}\b",
    r"\bhow long (?:will|does|do|until|till|before)\b",
    r"\bwhen {will} {they}\b",
    r"{at}(?:do|will|would) i {just}(?:say|tell|give|name|talk|speak|go|get|be|have)\b",
    r"{at}can i (?:stay|be|ring|call|text|talk to|speak to|delete|take (?:it|this) back)\b",
    r"\bwhat is the (?:number|email|website|link)\b|\bwho (?:are|r) (?:you|u)\b",
    r"\bhow (?:do|can|would|should) i (?:ring|call|contact|reach|report|delete)\b",
    r"{at}{will} {home} {just}(?:know|find out|be told|told|see)\b",
)
_QUESTION = re.compile("|".join(re.sub(r"\{([a-z]+)\}", lambda m: _PARTS[m[1]], f) for f in _FORMS))


def asks_about_the_service(text: str) -> bool:
    """Return whether a message is a question about Lantern or whom it leads to, and little else."""
    plain = " ".join(re.sub(r"['’]s\b", " is", text.casefold()).replace("whats", "what is").split())
    return len(plain.split()) <= _MOST_WORDS and _QUESTION.search(plain) is not None
