"""GOV.UK Notify's own client, against a local server that speaks its interface."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from staff.alerts.channels.govuk_notify.channel import NotifyEmail, NotifySms, notify_client
from staff.alerts.formatter import Notice
from staff.alerts.queue import Delivery, NotSentError
from staff.rota.rota import TEAM
from tests.peers import Receiver, frozen_server

KEY = "lantern-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"


@pytest.fixture
def notify(receiver: Receiver) -> Receiver:
    receiver.status = 201
    return receiver


def test_an_email_goes_by_its_template(
    notify: Receiver, delivery: Delivery, notice: Notice
) -> None:
    channel = NotifyEmail(notify_client(KEY, notify.url), "e-template", "team@example.org")

    channel.send(delivery, notice)
    channel.send(replace(delivery, recipient=TEAM), notice)

    paths, headers, bodies = zip(*notify.posts, strict=True)
    assert set(paths) == {"/v2/notifications/email"}
    assert headers[0]["authorization"].startswith("Bearer ")
    first, second = map(json.loads, bodies)
    assert first == {
        "email_address": "ann@example.org",
        "template_id": "e-template",
        "personalisation": {"subject": notice.subject, "body": notice.body},
        "reference": "7",
    }
    assert second["email_address"] == "team@example.org"


def test_a_text_goes_by_its_template(notify: Receiver, delivery: Delivery, notice: Notice) -> None:
    NotifySms(notify_client(KEY, notify.url), "s-template").send(delivery, notice)

    [(path, _, body)] = notify.posts
    assert path == "/v2/notifications/sms"
    assert json.loads(body)["phone_number"] == "+447700900123"
    assert json.loads(body)["personalisation"] == {"text": notice.text}


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (403, True), (429, False), (500, False), (503, False)]
)
def test_what_notify_refuses_is_told_from_what_to_try_again_soon(
    notify: Receiver, delivery: Delivery, notice: Notice, status: int, refused: bool
) -> None:
    notify.status = status
    notify.answer = {"errors": [{"error": "ValidationError", "message": "phone +447700900123"}]}

    with pytest.raises(NotSentError) as raised:
        NotifySms(notify_client(KEY, notify.url), "s-template").send(delivery, notice)

    assert raised.value.refused is refused
    assert "+44" not in str(raised.value)


def test_a_notify_that_hangs_is_left(delivery: Delivery, notice: Notice) -> None:
    with frozen_server() as port:
        client = notify_client(KEY, f"http://127.0.0.1:{port}", wait_s=0.5)
        with pytest.raises(NotSentError):
            NotifySms(client, "s-template").send(delivery, notice)
