"""What a message says of whoever writes it, and nothing that it says of somebody else."""

from __future__ import annotations

import pytest

from safeguarding.speaker import age_said, audience_said, subject_said
from safeguarding.taxonomy import ADULTS


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("im 9", 9),
        ("I'm 14 and i need help", 14),
        ("I\N{RIGHT SINGLE QUOTATION MARK}m 14 and i need help", 14),
        ("i am 41", 41),
        ("hi iam 12", 12),
        ("im only 8 n scared", 8),
        ("i'm nearly 16", 16),
        ("he's 34, i'm 15", 15),
        ("im 9 and my brother is 15", 9),
        ("i am aged 17", 17),
    ],
)
def test_an_age_is_read_where_somebody_says_their_own(text: str, age: int) -> None:
    assert age_said(text) == age


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my brother is 15",
        "he is 34",
        "theres 12 of them",
        "im 15 minutes away",
        "im 10 weeks pregnant",
        "im 20 quid short",
        "im 9/10 sure",
        "im 50% sure",
        "im 12th in line",
        "im at home at 10:30",
        "i am 4",
        "im 100",
        "im year 9",
    ],
)
def test_what_is_no_age_of_theirs_is_not_taken_for_one(text: str) -> None:
    assert age_said(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "my daughter aged 14 hasn't come home",
        "my son, age 9, told me something",
        "a girl aged 12 in our street",
    ],
)
def test_the_age_of_a_child_that_somebody_writes_about_is_not_theirs(text: str) -> None:
    assert age_said(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "my son wants to die",
        "my 14 year old daughter wont come home",
        "my foster child has gone",
        "My husband hits me",
        "im his mum",
        "I'm a foster carer",
        "I\N{RIGHT SINGLE QUOTATION MARK}m her dad",
        "i am 43 and it happened when i was 9",
        "im 19",
        "foster carer here, placement of two weeks",
        "Hi, neighbour here. next door are screaming",
        "worried mum here",
        "found messages from a man on my daughters phone",
        "my ex won't bring the kids back",
        "two kids under five and no sleep",
        "im on my own with a baby and a 3 yr old",
        "please dont think im a bad mum",
        "my little boy started reception and screams at the gate",
        "my eldest one wont speak to me",
        "my grandkids come to us hungry",
        "my grandaughter wont go back to her dads",
        "im the mum. shes 10",
        "im the dad, hes asleep",
        "my 6 year old says he shouts at her",
        "whats normal for my 9 yr old?",
        "i was in care in the 80s",
        "i was a boy at the home in the 1970s",
    ],
)
def test_whoever_has_children_or_a_spouse_or_is_19_reads_what_parents_read(text: str) -> None:
    assert audience_said(text) == "parent"


@pytest.mark.parametrize(
    "text",
    [
        "I'm a teacher",
        "I\N{RIGHT SINGLE QUOTATION MARK}m a teacher",
        "i am the DSL at a primary school",
        "im a maths tutor",
        "I am a school nurse",
        "One of my pupils told me something",
        "a year 9 pupil told me her dad hits her",
        "my dsl has gone home",
        "as a GP, what should i write down",
        "I'm a teacher and my son is in the class",
        "Coach of an under 12s team here. one of our other coaches gives a boy lifts",
        "year 6 teacher here, quick question",
        "youth club volunteer. one of the girls gets picked up by a man",
        "im a scout leader",
        "what does KCSIE say about records",
        "who keeps low level concerns",
        "i coach u13s girls football",
        "I've been a teacher for 22 years and i cant go in",
        "im the club secretary",
        "I'm preparing a staff briefing on county lines",
        "i work the nightshift at a petrol station",
    ],
)
def test_whoever_meets_children_at_work_is_a_professional(text: str) -> None:
    assert audience_said(text) == "professional"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my dad hits me",
        "my teacher touches me",
        "my coach wants pictures",
        "my mum is a nurse",
        "my sons friend",
        "dont tell my mum",
        "im 18",
        "my nan says im a good boy",
        "the head wont listen",
        "dad here help",
        "coach here gives me lifts",
        "my coach of three years kissed me",
        "teacher at school hit me",
        "my ex wont leave me alone",
        "im the team leader in my house",
        "my 12 year old brother hits me",
        "my 9 year old sister and me",
        "im the mum to my little brothers really",
        "im the mum friend",
        "im the mum and the dad in this house",
        "its like im the mum",
        "my dad said youll always be my little girl",
        "im on my own with my little brother",
        "the film is set in the 80s",
        "ive been a girl guide for years",
        "my coach works at a petrol station",
    ],
)
def test_nobody_else_is_taken_for_a_grown_up(text: str) -> None:
    assert audience_said(text) not in ADULTS


@pytest.mark.parametrize(
    "text",
    ["im a student", "i'm a year 9 pupil", "I am a student at college", "im the head girl"],
)
def test_a_pupil_is_not_taken_for_their_teacher(text: str) -> None:
    assert audience_said(text) not in ADULTS


@pytest.mark.parametrize(
    "text",
    [
        "my dads wife hits me",
        "my nans husband touches me",
        "my foster mums daughter bullies me",
        "my uncle touches children",
        "my dad hurts kids",
    ],
)
def test_a_child_who_tells_of_relatives_is_not_taken_for_a_parent(text: str) -> None:
    assert audience_said(text) not in ADULTS


@pytest.mark.parametrize(
    "text",
    [
        "im 14",
        "im not a parent im 14. im the kid",
        "i'm in year 8",
        "im her daughter",
        "im not an adult",
        "I’m still a kid",
    ],
)
def test_a_young_person_who_says_so_is_taken_at_their_word(text: str) -> None:
    assert audience_said(text) == "young_person"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("not me!! my friend", "friend"),
        ("it's about my mate, not me", "friend"),
        ("i meant my sister", "friend"),
        ("im not the friend its me", "self"),
        ("not my mate. me", "self"),
        ("i'm talking about me", "self"),
        ("its me mum", None),
        ("hi its me again", None),
        ("will they know its me", None),
        ("my friend hurt me", None),
        ("dont tell me", None),
        ("", None),
    ],
)
def test_a_correction_says_whom_it_is_about(text: str, subject: str | None) -> None:
    assert subject_said(text) == subject


@pytest.mark.parametrize(
    ("text", "audience"),
    [
        ("my foster mums son comes in my room at night", "young_person"),
        ("My foster carers want me to see my dad", "young_person"),
        ("the boy next door cries and my form tutor said tell someone", "young_person"),
        ("my foster dad hurt me when i was 8", None),
        ("My foster mum hit us in the 80s", None),
        ("im a foster carer and my foster family is full", "parent"),
        ("foster families are nice", None),
    ],
)
def test_who_speaks_of_the_adults_who_look_after_them_is_a_young_person(
    text: str, audience: str | None
) -> None:
    assert audience_said(text) == audience
