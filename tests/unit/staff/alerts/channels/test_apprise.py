"""Apprise sends to a local server; one that refuses, redirects or hangs is given up in time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from time import monotonic

import pytest

from safeguarding.settings import SettingsError
from staff.alerts.channels.apprise.channel import AppriseSms, AppriseTeam
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from tests.peers import Receiver, frozen_server, slow_server


def address(receiver: Receiver) -> str:
    """Return an address of Apprise's plain JSON service, with the phone number in its path."""
    return receiver.url.replace("http://", "json://").rstrip("/") + "/to/{phone}"


def test_a_text_goes_to_the_number_of_the_recipient(
    receiver: Receiver, delivery: Delivery, notice: Notice
) -> None:
    AppriseSms(address(receiver)).send(delivery, notice)

    [(path, _, body)] = receiver.posts
    assert path.rstrip("/") in {"/to/+447700900123", "/to/%2B447700900123"}
    assert json.loads(body)["message"] == notice.text


def test_a_recipient_without_a_number_is_given_up(
    receiver: Receiver, delivery: Delivery, notice: Notice
) -> None:
    with pytest.raises(NotSentError) as raised:
        AppriseSms(address(receiver)).send(replace(delivery, phone=None), notice)

    assert raised.value.for_good
    assert receiver.posts == []


def test_the_team_gets_subject_and_body(
    receiver: Receiver, delivery: Delivery, notice: Notice
) -> None:
    AppriseTeam(address(receiver).replace("/to/{phone}", "/team")).send(delivery, notice)

    [(_, _, body)] = receiver.posts
    assert json.loads(body)["title"] == notice.subject
    assert json.loads(body)["message"].strip() == notice.body.strip()


@pytest.mark.parametrize("status", [302, 307, 400, 429, 500])
def test_a_service_that_refuses_is_tried_again_and_no_number_is_logged(
    receiver: Receiver,
    delivery: Delivery,
    notice: Notice,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.status = status

    with caplog.at_level(logging.INFO), pytest.raises(NotSentError) as raised:
        AppriseSms(address(receiver)).send(delivery, notice)

    assert not raised.value.for_good
    assert len(receiver.posts) == 1
    assert "7700900123" not in caplog.text + str(raised.value)


@pytest.mark.parametrize("hanging", [frozen_server, slow_server])
def test_a_service_that_hangs_is_given_up(
    hanging: Callable[[], AbstractContextManager[int]], delivery: Delivery, notice: Notice
) -> None:
    began = monotonic()
    with hanging() as port, pytest.raises(NotSentError):
        AppriseSms(f"json://127.0.0.1:{port}/{{phone}}", longest_s=1.0).send(delivery, notice)

    assert monotonic() - began < 20


@pytest.mark.parametrize("url", ["unheard-of://x/{phone}", "no address {phone}"])
def test_an_unknown_address_is_an_error_of_the_settings(url: str) -> None:
    with pytest.raises(SettingsError, match="apprise_sms_url"):
        AppriseSms(url)
