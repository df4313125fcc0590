"""The words of a case open with its own key, and with that alone."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import LiveChatChange, Outcome
from safeguarding.live_chat import LiveChatStep
from staff.attachments.attachments import Attachments
from staff.attachments.scanning import VirusScanner
from staff.cases.case import Referral
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.child import ChildDetails, DetailKind
from staff.cases.links import CaseLinks
from staff.cases.tables import SEALED, data_keys, make_key, vault_of
from staff.letterbox.desk import LetterboxDesk
from staff.live.desk import LiveDesk
from staff.live.recording import record_live_chat
from staff.live.wrap_up import WrapUp
from storage.vault import Vault, VaultError, key_ring, new_key
from tests.letterbox_on import open_letterbox
from tests.live_on import put_on_duty
from tests.records import NOON, Callbacks, EscalationLog, escalation, vault

PLACE = {"table": "case_notes", "row": "n1", "column": "text"}


def have_live_chat(engine: Engine, ann: str) -> None:
    """Write one message in a live chat, and end it."""
    put_on_duty(engine, lambda: NOON, ann)
    desk = LiveDesk(engine, vault(), {}, 2, lambda: NOON)
    chat_id = desk.offer("c1", by=ann)
    yes = LiveChatChange("yes", "c1", NOON, chat_id, LiveChatStep.ACCEPTED, "c1")
    with engine.begin() as connection:
        record_live_chat(connection, yes, NOON)
    desk.finish(chat_id, "Take care.", by=ann, term=1)
    desk.wrap_up(chat_id, WrapUp("They feel safe."), by=ann)


@pytest.fixture
def filled(
    engine: Engine,
    log: EscalationLog,
    casework: Casework,
    cases: Cases,
    wishes: Callbacks,
    ann: str,
) -> None:
    """Two cases, one with everything that can be written."""
    log.record(escalation("m1"))
    log.record(escalation("n1", conversation_id="c2"))
    casework.note("c1", "A note.", by=ann)
    casework.add_action("c1", "Ring.", None, by=ann)
    casework.refer("c1", Referral("police", "form", NOON, "CAD 1", "x"), by=ann)
    have_live_chat(engine, ann)
    casework.finish_action("c1", cases.whole("c1").actions[0].id, by=ann)
    casework.close("c1", ClosingDecision(Outcome.OTHER, "Done."), by=ann)
    ChildDetails(engine, vault()).record("c1", DetailKind.AGE, "13", by=ann)
    CaseLinks(engine, vault()).link("c1", "c2", "Same street.", by=ann, areas=None)
    Attachments(engine, vault(), VirusScanner(None)).keep("c1", "a.txt", b"A letter.", by=ann)
    wishes.leave("c1", "Sam", "text")
    open_letterbox(engine, NOON, "c1")
    LetterboxDesk(engine, vault(), lambda: NOON).write("c1", "c1", "We can meet.", by=ann)


@pytest.mark.usefixtures("filled")
def test_every_word_of_a_case_is_sealed_with_its_data_key(engine: Engine) -> None:
    with engine.connect() as connection:
        for table, columns in SEALED.items():
            rows = connection.execute(sa.select(*(table.c[name] for name in columns))).all()
            assert rows
            beginning = "v2|k1|" if table is data_keys else "v2|case|"
            assert all(cell.startswith(beginning) for row in rows for cell in row)


@pytest.mark.usefixtures("filled")
def test_without_its_data_key_nothing_of_a_case_opens(engine: Engine, cases: Cases) -> None:
    cells = []
    with engine.begin() as connection:
        connection.execute(sa.delete(data_keys).where(data_keys.c.case_id == "c1"))
        ring = vault_of(connection, vault(), "c1")
        for table, columns in SEALED.items():
            if table is data_keys:
                continue
            key = table.primary_key.columns[0]
            for row in connection.execute(sa.select(table).where(table.c.case_id == "c1")):
                cells += [
                    (row._mapping[name], table.name, row._mapping[key.name], name)
                    for name in columns
                ]
    assert len(cells) == 18
    for envelope, name, row, column in cells:
        with pytest.raises(VaultError):
            ring.open(envelope, table=name, row=row, column=column)
    with pytest.raises(VaultError):
        cases.whole("c1")
    assert cases.whole("c2").messages[0].text == escalation().text
    # What says that there was a case, and what was done, stays.
    assert cases.find("c1").id == "c1"


@pytest.mark.usefixtures("filled")
def test_a_key_that_is_made_again_opens_nothing_of_before(engine: Engine, cases: Cases) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(data_keys).where(data_keys.c.case_id == "c1"))
        make_key(connection, vault(), "c1")

    with pytest.raises(VaultError):
        cases.whole("c1")


@pytest.mark.usefixtures("filled")
def test_a_case_has_one_key(engine: Engine) -> None:
    with engine.begin() as connection:
        sealed = make_key(connection, vault(), "c1").seal("words", **PLACE)
        assert vault_of(connection, vault(), "c1").open(sealed, **PLACE) == "words"
        with pytest.raises(VaultError):
            vault_of(connection, vault(), "c2").open(sealed, **PLACE)


@pytest.mark.usefixtures("filled")
def test_a_key_does_not_open_in_the_place_of_anothers(engine: Engine, cases: Cases) -> None:
    of_other = sa.select(data_keys.c.wrapped).where(data_keys.c.case_id == "c2")
    with engine.begin() as connection:
        wrapped = connection.execute(of_other).scalar_one()
        mine = sa.update(data_keys).where(data_keys.c.case_id == "c1")
        connection.execute(mine.values(wrapped=wrapped))

    with pytest.raises(VaultError):
        cases.whole("c1")


@pytest.mark.usefixtures("filled")
def test_what_the_ring_sealed_before_there_were_keys_is_read(engine: Engine) -> None:
    sealed = vault().seal("words", **PLACE)

    with engine.connect() as connection:
        assert vault_of(connection, vault(), "c1").open(sealed, **PLACE) == "words"


@pytest.mark.usefixtures("filled")
def test_another_ring_opens_no_case(engine: Engine) -> None:
    with pytest.raises(VaultError):
        Cases(engine, Vault(key_ring(f"k1:{new_key()}"))).whole("c1")
