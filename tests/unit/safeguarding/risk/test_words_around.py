"""Harmless words around a plain disclosure never bring it below its severity.

Written out, not drawn: 22 disclosures in more than 200 wrappings each. The network says nothing of
any of them, so that what keeps them is what was reviewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from safeguarding.risk.assessment import NO_RISK, Signal, Turn
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.prediction import Prediction, Predictor
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Probabilities
from safeguarding.taxonomy import Severity

URGENT = (
    "i want to die",
    "i want to kill myself",
    "my uncle keeps touching me",
    "my stepdad hits me with a belt",
    "i cut myself every night",
    "i was raped",
    "he made me send nudes",
    "he is blackmailing me with my pictures",
    "they make me sell drugs for them",
    "my parents are forcing me to marry my cousin",
    "i ran away from home",
    "my dad beats my mum up",
    "my teacher kissed me and told me to keep it secret",
    "my friend says she wants to kill herself",
    "my daughter is being groomed by a man online",
)
IMMEDIATE = (
    "my boyfriend strangled me",
    "i took an overdose",
    "someone is following me home",
    "i am going to kill myself tonight",
    "i have just taken 20 tablets",
    "my dad is hitting me right now",
    "he has a knife and is outside my room right now",
)
DISCLOSURES = {
    **dict.fromkeys(URGENT, Severity.URGENT),
    **dict.fromkeys(IMMEDIATE, Severity.IMMEDIATE),
}
ENDINGS = (
    " skibidi", " level 1", " 1", " 67", " lol", " :)", " 😂", " 💀💀", " jk lol", " haha idk",
    " x", " xx", " ngl", " fr fr no cap", " rizz", " ?", " ???", "...", " bruh sigma ohio",
    " :/ <3", " brb", " innit", " hello", " but whatever", " asdfghjkl", " 🙂🙃🙂",
    " (not joking)", " 2 + 2 = 4", " in year 8", "\nlol\nbrb\nhi", " level 99 unlocked", " gg",
    " xD", " :'(", " ;-)", " 🫠", " 👍", " ❤️", " 🏳️‍🌈", " !!!", ".", " !?", " //", " #fyp",
    " #mood", " @everyone", " tbh", " smh", " idk anymore", " and stuff", " or something", " yeah",
    " so yeah", " lmao", " rofl", " hehe", " ok bye", " gtg", " ttyl", " thx", " pls", " mate",
    " bro", " fam", " bestie", " miss", " sir", " 12345", " 00:01", " 100%", " £5", " zzz",
    " blah blah blah", " la la la", " www.example.com",
)  # fmt: skip
SENTENCES_AFTER = (
    " anyway hows you",
    ". what do you want for tea",
    ". i like football",
    ", anyway i have maths tomorrow",
    " and my favourite colour is blue",
    " but the film was good",
    ". in english we are reading macbeth",
    ". my mate wrote a story about a dragon",
    ". what is the capital of france",
    ". is it legal to park here",
    ". my phone died",
    ". i beat him at fifa lol",
    ". my cat had kittens",
    ". can you help me with my homework",
    "! it is sunny today",
    ". we have a new head of year",
    ". tomorrow is my birthday",
    ". my nan makes the best cake",
    ". do you like pizza",
    ". the bus was late again",
    ". our team won 3-0",
    ". i got a b in science",
    ". nothing else happened today",
    ". i am not hungry",
    ". i never liked peas",
    ". thats all for now",
    ". how old are you",
    ". are you a robot",
    ". the wifi is slow",
    ". my sister plays the drums",
    ". there is a school trip on friday",
    ". i am watching tv",
    ". it was a long day",
    ". who won the match",
    "; i have swimming at six",
    "\n\nwhat time does the library open?",
)
BEGINNINGS = (
    "hi ", "hello there, ", "skibidi ", "level 1 ", "1. ", "lol ", "haha ", "idk ", "so um ", "😂 ",
    "ok so ", "hey\nhow r u\nlol\n", "yo bro ", "random but ", "question: ",
    "not being funny but ", "rizz ", ":) ", "<3 ", "💀 ", "67 ", "- ", "... ", "erm ", "right so ",
    "basically ", "tbh ", "ngl ", "bruh ", "dear lantern, ", "good morning. ", "hiya x ", "yes ",
    "no ", "nah ", "maybe ", "wait ", "listen ", "btw ", "(1) ", "#1 ", "a) ", "wow ", "level 1: ",
    "please ", "sorry ", "test test ",
)  # fmt: skip
SENTENCES_BEFORE = (
    "my cat is called bob. ",
    "i had pizza for tea. ",
    "what is your name? ",
    "how do i do fractions? ",
    "we did history today. ",
    "i am on my phone now. ",
    "i beat the boss in the game. ",
    "i watched a film last night. ",
    "it is raining. ",
    "my favourite colour is blue. ",
    "can you keep talking to me? ",
    "i like your logo. ",
    "our dog is not a puppy. ",
    "we never have pasta. ",
    "i am fine with maths. ",
    "school was ok today. ",
    "what does a lawyer do? ",
    "my friend reads a lot of books. ",
    "i heard a good song. ",
    "there is a test on monday. ",
    "nobody was late for class. ",
    "the new game comes out soon! ",
    "i am twelve. ",
    "mum made soup. ",
    "i have a joke for you. ",
)
AROUND = (
    ('"', '"'), ("'", "'"), ("“", "” thats it"), ("(", ")"), ("* ", " *"), ("lol ", " lol"),
    ("hiya ", " what do i do"), ("hey\nu ok\n", "\nlol\nanyway"), ("‘", "’"), ("«", "»"),
    ("[", "]"), ("> ", ""), ("_", "_"), ("**", "**"), ("~", "~"), ("`", "`"), ("\t", "\n\n"),
    ('so basically "', '" yeah'), ("😂😂 ", " 😂😂"), ("skibidi ", " skibidi"),
    ("level 1 ", " level 2"), ("i like pizza. ", ". i like chips too"),
    ("what is 3 x 4? ", ". what is 5 x 6?"), ("hello. ", ". goodbye"),
)  # fmt: skip
CHATS = (
    """\
hiya
u ok
yeah u
yeah just got in
what u doing
watching telly
same lol
did u do the maths
nah not yet
its due tomorrow
i know
page 40 right
yeah the graphs one
boring
so boring
wanna go park later
cant got football
ok tomorrow then
yeah sure
cool""",
    """\
morning
its snowing
no way
look outside
omg
is school shut
mum says its open
typical
wear ur boots
they are too small
haha
bring a hat
ok
bus or walk
bus
see u at the stop
ten past
ok
save me a seat
will do""",
    """\
who is playing tonight
the reds
what time
half seven
on tv
yeah channel 5
my money is on a draw
nah two nil
we will see
got snacks
crisps and that
nice
can i come round
ask ur mum
she says yes
bring the controller
ok
and the charger
yep
on my way""",
    """\
i finished the book
already
yeah it was good
whats it called
the lost map
is it long
300 pages
too long for me
the end is the best
dont tell me
i wont
lend it me
after lena
who is lena
new girl in my form
is she nice
yeah she draws
cool
chess club later
yes room 12""",
)
"""Each of 20 lines."""
WRAPPINGS = (
    *(("", after) for after in (*ENDINGS, *SENTENCES_AFTER)),
    *((before, "") for before in (*BEGINNINGS, *SENTENCES_BEFORE)),
    *AROUND,
)
CHATTED = (
    *(("", f"\n{chat}") for chat in CHATS),
    *((f"{chat}\n", "") for chat in CHATS),
    *((f"{CHATS[at]}\n", f"\n{CHATS[at - 1]}") for at in range(len(CHATS))),
)
INSIDE = (
    "skibidi", "lol", "like", "😂", "1", "um", "literally", "x", "ngl", "tbh", "67", ":)", "erm",
    "bruh", "haha", "idk",
)  # fmt: skip


def whole(disclosure: str) -> Iterator[str]:
    """Return the disclosure with something before or after it, or both."""
    return (before + disclosure + after for before, after in WRAPPINGS)


def among_lines(disclosure: str) -> Iterator[str]:
    """Return the disclosure before, after or between 20 lines of harmless chat."""
    return (before + disclosure + after for before, after in CHATTED)


def broken(disclosure: str) -> Iterator[str]:
    """Return the disclosure with a word more before its last."""
    *first, last = disclosure.split()
    return (" ".join([*first, word, last]) for word in INSIDE)


class SilentPredictor(Predictor):
    """A network that finds nothing in any message."""

    def __init__(self) -> None:
        pass

    def predict(
        self,
        message: Canonical,
        phrases: Sequence[Signal],
        history: Sequence[Turn],
        alarming: Sequence[int] = (),
        context: str = "",
    ) -> Prediction:
        return Prediction(
            Probabilities(0.01, 0.0, 0.0, Severity.NONE), (), ("bullying",), "unknown"
        )


@pytest.fixture(scope="module")
def unaided(lexicon: Lexicon) -> RiskEngine:
    """Return the reviewed phrases, with a network that is always wrong."""
    return RiskEngine(lexicon, SilentPredictor())


def lost(engine: RiskEngine, texts: Iterator[str], due: Severity) -> list[tuple[str, str]]:
    """Return the texts that are taken for less than is due, each with what it is taken for."""
    found = ((text, engine.assess(text).severity) for text in texts)
    return [(text, severity.label) for text, severity in found if severity < due]


def test_each_disclosure_stands_in_200_wrappings_that_differ() -> None:
    for disclosure in DISCLOSURES:
        texts = [*whole(disclosure), *among_lines(disclosure), *broken(disclosure)]
        assert len({text.strip() for text in texts}) >= 200
        assert len(set(texts)) == len(texts)
    assert len(DISCLOSURES) >= 12
    assert all(len(chat.splitlines()) == 20 for chat in CHATS)


@pytest.mark.parametrize(("disclosure", "severity"), DISCLOSURES.items())
def test_a_plain_disclosure_is_heard(
    unaided: RiskEngine, disclosure: str, severity: Severity
) -> None:
    assert unaided.assess(disclosure).severity == severity


@pytest.mark.parametrize(("disclosure", "severity"), DISCLOSURES.items())
def test_a_plain_disclosure_is_as_grave_whatever_stands_around_it(
    unaided: RiskEngine, disclosure: str, severity: Severity
) -> None:
    assert lost(unaided, whole(disclosure), severity) == []


@pytest.mark.parametrize(("disclosure", "severity"), DISCLOSURES.items())
def test_a_plain_disclosure_is_as_grave_before_after_and_between_20_lines_of_chat(
    unaided: RiskEngine, disclosure: str, severity: Severity
) -> None:
    assert lost(unaided, among_lines(disclosure), severity) == []


@pytest.mark.parametrize("disclosure", DISCLOSURES)
def test_a_plain_disclosure_is_urgent_with_a_word_before_its_last(
    whole_engine: RiskEngine, disclosure: str
) -> None:
    """No phrase can foresee a word inside it, so the network decides."""
    assert lost(whole_engine, broken(disclosure), Severity.URGENT) == []


@pytest.mark.parametrize("disclosure", DISCLOSURES)
def test_a_plain_disclosure_is_never_read_only_as_what_others_say_in_a_chat(
    disclosure: str,
) -> None:
    """Else the pattern of the chat would decide instead of the words."""
    for text in (*whole(disclosure), *among_lines(disclosure)):
        chat = pasted_chat(text)
        assert chat is None or disclosure in chat.own_words


@pytest.mark.parametrize(("disclosure", "severity"), DISCLOSURES.items())
def test_the_whole_engine_hears_no_less(
    whole_engine: RiskEngine, disclosure: str, severity: Severity
) -> None:
    """A few of the texts: the network cannot lower what the engine without it finds."""
    some = [*whole(disclosure)][::50] + [*among_lines(disclosure)][::12]

    assert lost(whole_engine, iter(some), severity) == []


def test_what_the_network_does_not_find_keeps_the_severity_of_the_phrase(
    unaided: RiskEngine,
) -> None:
    found = unaided.assess("my uncle keeps touching me")

    assert found.severity == Severity.URGENT
    assert found.categories[0] == "sexual_abuse"
    assert found.subject == "self"


def test_words_that_only_suggest_a_risk_are_weighed_by_the_network(
    engine: RiskEngine, unaided: RiskEngine
) -> None:
    suggestive = "my best mate left me out of the group"

    assert engine.assess(suggestive).severity == Severity.CONCERN
    assert unaided.assess(suggestive) == NO_RISK


@pytest.mark.parametrize("text", ["i got a new phone. i want to die", "my laptop i want to die"])
def test_a_harmless_sentence_explains_nothing_in_the_next(engine: RiskEngine, text: str) -> None:
    assert engine.assess(text).severity >= Severity.URGENT
