"""The vault gives back what it was given, and only in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.settings import Settings, SettingsError
from storage.vault import Vault, VaultError, key_ring, new_key
from tests.records import sealed_as_v1

PLACE = {"table": "escalations", "row": "m1", "column": "text"}
OLD, NEW = f"old:{new_key()}", f"new:{new_key()}"
ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()))


@given(ANY_TEXT)
def test_gives_back_any_text_even_half_an_emoji(text: str) -> None:
    vault = Vault(key_ring(NEW))

    assert vault.open(vault.seal(text, **PLACE), **PLACE) == text


def test_seals_the_same_words_differently_each_time() -> None:
    vault = Vault(key_ring(NEW))

    assert vault.seal("same", **PLACE) != vault.seal("same", **PLACE)


def test_an_envelope_names_its_version_and_key_and_hides_the_words() -> None:
    envelope = Vault(key_ring(NEW)).seal("hidden words", **PLACE)

    assert envelope.split("|")[:2] == ["v2", "new"]
    assert "hidden" not in envelope


@pytest.mark.parametrize("elsewhere", [{"row": "m2"}, {"column": "shown"}, {"table": "reviews"}])
def test_refuses_an_envelope_moved_to_another_place(elsewhere: dict[str, str]) -> None:
    vault = Vault(key_ring(NEW))
    envelope = vault.seal("words", **PLACE)

    with pytest.raises(VaultError):
        vault.open(envelope, **(PLACE | elsewhere))


def test_places_whose_names_run_together_stay_apart() -> None:
    vault = Vault(key_ring(NEW))
    envelope = vault.seal("words", table="a", row="b|c", column="d")

    with pytest.raises(VaultError):
        vault.open(envelope, table="a|b", row="c", column="d")


def test_every_key_of_the_ring_opens_and_the_first_seals() -> None:
    before = Vault(key_ring(OLD)).seal("words", **PLACE)
    ring = Vault(key_ring(f"{NEW}, {OLD}"))

    assert ring.open(before, **PLACE) == "words"
    assert ring.is_current(ring.seal("words", **PLACE))
    assert not ring.is_current(before)


def test_a_key_that_is_gone_is_named_as_the_reason() -> None:
    envelope = Vault(key_ring(OLD)).seal("words", **PLACE)

    with pytest.raises(VaultError, match="not in the key ring"):
        Vault(key_ring(NEW)).open(envelope, **PLACE)


@pytest.mark.parametrize(
    "damage", ["", "v1|new", "v1|new|!!|!!", "v3|new|AAAA|AAAA", "v1|new|AAAA|é"]
)
def test_refuses_a_damaged_envelope(damage: str) -> None:
    with pytest.raises(VaultError):
        Vault(key_ring(NEW)).open(damage, **PLACE)


def test_a_changed_letter_is_noticed() -> None:
    vault = Vault(key_ring(NEW))
    envelope = vault.seal("words and more words", **PLACE)
    changed = envelope[:-10] + ("A" if envelope[-10] != "A" else "B") + envelope[-9:]

    with pytest.raises(VaultError):
        vault.open(changed, **PLACE)


@pytest.mark.parametrize(
    "ring",
    ["k1:short", "k1:AAAA", "k1", f"k 1:{new_key()}", f"{NEW},{NEW}", f":{new_key()}"],
    # Names that stay: tests are parted among processes by them.
    ids=["short", "few bytes", "no key", "a space", "twice", "no id"],
)
def test_refuses_a_bad_key_ring_without_quoting_it(ring: str) -> None:
    with pytest.raises(VaultError) as raised:
        key_ring(ring)

    assert ring.partition(":")[2] not in str(raised.value) or ring == "k1"


def test_refuses_an_empty_ring() -> None:
    with pytest.raises(VaultError):
        Vault(key_ring(""))


def test_an_installation_without_keys_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANTERN_FIELD_KEYS", raising=False)

    with pytest.raises(SettingsError, match="field_keys"):
        Vault.of(Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)}))


def test_no_key_of_an_installation_has_the_name_of_data_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_FIELD_KEYS", f"k1:{new_key()},case:{new_key()}")

    with pytest.raises(VaultError, match="case"):
        Vault.of(Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)}))


@pytest.mark.parametrize("facts", ["", "severity 1", "severity 2 "])
def test_opens_only_beside_the_facts_it_was_sealed_with(facts: str) -> None:
    vault = Vault(key_ring(NEW))
    envelope = vault.seal("words", **PLACE, facts="severity 2")

    assert vault.open(envelope, **PLACE, facts="severity 2") == "words"
    with pytest.raises(VaultError, match="facts"):
        vault.open(envelope, **PLACE, facts=facts)


def test_facts_and_place_do_not_run_together() -> None:
    vault = Vault(key_ring(NEW))
    envelope = vault.seal("words", table="a", row="b", column="c", facts="d")

    with pytest.raises(VaultError):
        vault.open(envelope, table="a", row="b", column="c|1:d")


def test_an_envelope_of_before_facts_were_proved_opens_and_is_to_be_sealed_again() -> None:
    vault = Vault(key_ring(NEW))
    old = sealed_as_v1("words", NEW, **PLACE)

    assert vault.open(old, **PLACE, facts="severity 2") == "words"
    assert not vault.is_current(old)
    with pytest.raises(VaultError):
        vault.open(old.replace("v1|", "v2|", 1), **PLACE)
    with pytest.raises(VaultError):
        vault.open(old, **(PLACE | {"row": "m2"}))


def test_a_leading_key_seals_and_all_open() -> None:
    ring = Vault(key_ring(NEW))
    led = ring.led_by(key_ring(OLD))

    assert led.key_id == "old"
    assert led.open(ring.seal("words", **PLACE), **PLACE) == "words"
    with pytest.raises(VaultError):
        ring.open(led.seal("words", **PLACE), **PLACE)
