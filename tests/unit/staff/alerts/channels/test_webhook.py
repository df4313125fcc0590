"""A webhook is signed, has the shape its receiver reads, and is given up when it hangs."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from staff.alerts.channels.webhook.channel import WebhookChannel
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from tests.peers import Receiver, frozen_server


def test_the_receiver_can_prove_where_it_comes_from(
    receiver: Receiver, delivery: Delivery, notice: Notice
) -> None:
    WebhookChannel(receiver.url, "key", now=lambda: 1000.9).send(delivery, notice)

    [(_, headers, body)] = receiver.posts
    expected = hmac.new(b"key", b"1000." + body, hashlib.sha256).hexdigest()
    assert headers["x-lantern-signature"] == f"t=1000,v1={expected}"
    assert headers["x-lantern-delivery"] == "7"
    assert json.loads(body) == {
        "delivery": 7,
        "case": "c1",
        "reference": "LN-ABCD-EFGH",
        "severity": "immediate",
        "need": "hurt_by_someone",
        "category": "grooming",
        "raised_at": "2026-11-25T12:00:00+00:00",
        "reason": "new",
        "link": notice.link,
        "subject": notice.subject,
    }


def test_a_digest_names_every_case(receiver: Receiver, delivery: Delivery, notice: Notice) -> None:
    other = replace(delivery, id=8, alert=replace(delivery.alert, case_id="c2"))

    WebhookChannel(receiver.url, "key").send(replace(delivery, others=(other,)), notice)

    body = json.loads(receiver.posts[0][2])
    assert body["delivery"] == 7
    assert [(each["delivery"], each["case"]) for each in body["together"]] == [(7, "c1"), (8, "c2")]


def test_slack_gets_a_button(receiver: Receiver, delivery: Delivery, notice: Notice) -> None:
    WebhookChannel(receiver.url, "key", "slack").send(delivery, notice)

    card = json.loads(receiver.posts[0][2])
    assert card["text"] == notice.subject
    assert card["blocks"][-1]["elements"][0]["url"] == notice.link


def test_teams_gets_a_card(receiver: Receiver, delivery: Delivery, notice: Notice) -> None:
    WebhookChannel(receiver.url, "key", "teams").send(delivery, notice)

    [attached] = json.loads(receiver.posts[0][2])["attachments"]
    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attached["content"]["actions"][0]["url"] == notice.link


@pytest.mark.parametrize(
    ("status", "refused"),
    [(302, True), (307, True), (400, True), (404, True), (408, False), (429, False), (500, False)],
)
def test_an_address_that_refuses_is_told_from_one_to_try_again_soon(
    receiver: Receiver, delivery: Delivery, notice: Notice, status: int, refused: bool
) -> None:
    receiver.status = status

    with pytest.raises(NotSentError, match=str(status)) as raised:
        WebhookChannel(receiver.url, "key").send(delivery, notice)

    assert raised.value.refused is refused
    assert len(receiver.posts) == 1


def test_a_receiver_that_hangs_is_left(delivery: Delivery, notice: Notice) -> None:
    with frozen_server() as port, pytest.raises(NotSentError):
        WebhookChannel(f"http://127.0.0.1:{port}", "key", wait_s=0.5).send(delivery, notice)
