"""Listening for a person: streams, held streams, cuts, ends; on a clock that the test moves."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

from chat.gateway.pages import FOLDER
from tests.programs import program

WORLD = Path(__file__).with_name("listen_world.mjs").read_text(encoding="utf-8")
OFFLINE = """connection.onLine = false; page.dispatchEvent(new Event("offline"));"""
ONLINE = """connection.onLine = true; page.dispatchEvent(new Event("online"));"""


def run(script: str) -> dict[str, Any]:
    """Run a script in this world; return what was asked, heard and lost."""
    world = WORLD.replace("MODULE", json.dumps(str(FOLDER / "listen.mjs")))
    end = "console.log(JSON.stringify({ asked, heard, lost, over, shown }));"
    command = [program("node"), "--input-type=module", "--eval", f"{world}\n{script}\n{end}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def streams(found: dict[str, Any]) -> list[bool]:
    """Return which requests asked for a stream, without those that only confirm."""
    return [each["events"] for each in found["asked"] if each["wait"] != "0"]


def test_events_are_heard_as_they_come_also_where_they_are_cut_anywhere() -> None:
    found = run("""
        const text = ": hi\\n\\n" + event({ cursor: "1.0" }) + event({ cursor: "2.0" });
        const bits = [...text.replaceAll("\\n", "\\r\\n")].map((letter) => [10, letter]);
        behave = (query, kind, signal) => stream(signal, ...bits);
        start();
        await pass(5000);
    """)

    assert [cursor for _, cursor in found["heard"]] == ["1.0", "2.0"]
    assert found["lost"] == 0


def test_what_was_shown_from_a_stream_is_confirmed_once_a_second() -> None:
    found = run("""
        const [one, two] = ["1.0", "2.0"].map((cursor) => event({ cursor, messages: [{}] }));
        behave = (query, kind, signal) => isStream(kind)
            ? stream(signal, [0, one], [100, two], ...still(1))
            : json({}, signal);
        start();
        await pass(4000);
    """)

    confirming = [each for each in found["asked"] if each["wait"] == "0"]
    assert [(each["after"], each["events"]) for each in confirming] == [("2.0", False)]
    assert confirming[0]["at"] <= 1500


def test_an_event_that_shows_nothing_is_not_confirmed() -> None:
    found = run("""
        const first = [0, event({ cursor: "0.0" })];
        behave = (query, kind, signal) => stream(signal, first, ...still(3));
        start();
        await pass(10000);
    """)

    assert len(found["asked"]) == 1


def test_a_stream_that_a_proxy_holds_back_is_given_up_for_good_after_eight_seconds() -> None:
    found = run("""
        behave = (query, kind, signal) => isStream(kind)
            ? never(signal)
            : json({ cursor: `${Number.parseInt(query.after || 0) + 1}.0` }, signal, 3000);
        start();
        await pass(30000);
    """)

    assert streams(found)[0]
    assert not any(streams(found)[1:])
    assert len(streams(found)) > 5
    assert 8000 < found["heard"][0][0] < 12000


def test_a_held_stream_whose_first_bytes_came_is_given_up_the_second_time() -> None:
    found = run("""
        behave = (query, kind, signal) => isStream(kind)
            ? stream(signal, [0, ": hi\\n\\n"])
            : json({}, signal, 20000);
        start();
        await pass(60000);
    """)

    assert streams(found)[:3] == [True, True, False]
    assert not any(streams(found)[3:])


def test_a_stream_that_is_kept_alive_and_ends_is_opened_anew() -> None:
    found = run("""
        behave = (query, kind, signal) => isStream(kind)
            ? stream(signal, ...still(11), [0, null])
            : json({}, signal);
        start();
        await pass(200000);
    """)

    assert all(streams(found))
    assert 3 <= len(streams(found)) <= 5


def test_where_no_stream_is_served_it_asks_for_each_answer() -> None:
    found = run("""
        behave = (query, kind, signal) => query.after
            ? never(signal)
            : json({ cursor: "1.0" }, signal);
        start();
        await pass(5000);
    """)

    assert found["heard"][0][1] == "1.0"
    assert streams(found)[:2] == [True, False]


def test_a_lost_connection_is_tried_again_soon_while_a_person_is_there() -> None:
    found = run("""
        behave = () => Promise.reject(new Error());
        start();
        await pass(60000);
    """)

    times = [each["at"] for each in found["asked"]]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps[0] <= 500
    assert max(gaps) <= 1500
    assert min(gaps) >= 250
    assert found["lost"] == len(times)


def test_pauses_grow_where_no_one_is_waited_for() -> None:
    found = run("""
        shown.state = "none";
        behave = () => Promise.reject(new Error());
        start();
        await pass(600000);
    """)

    assert 40 <= len(found["asked"]) <= 100


def test_what_is_cut_off_by_the_device_goes_on_at_once_by_a_stream() -> None:
    found = run(f"""
        behave = (query, kind, signal) => connection.onLine
            ? stream(signal, [0, ": hi\\n\\n"], ...still(20))
            : Promise.reject(new Error());
        start();
        await pass(3000);
        {OFFLINE}
        await pass(25000);
        {ONLINE}
        await pass(100);
    """)

    assert all(streams(found))
    assert found["asked"][-1]["at"] == 28000
    assert found["lost"] >= 1


def test_a_page_that_is_seen_again_does_not_wait_any_longer() -> None:
    found = run("""
        shown.state = "none";
        behave = () => Promise.reject(new Error());
        start();
        await pass(60000);
        const before = asked.length;
        document.dispatchEvent(new Event("visibilitychange"));
        await pass(1);
        asked.splice(0, before);
    """)

    assert [each["at"] for each in found["asked"]] == [60000]


def test_an_answer_that_says_nothing_new_is_not_asked_for_in_a_circle() -> None:
    found = run("""
        behave = (query, kind, signal) => json({}, signal);
        start();
        await pass(10000);
    """)

    assert len(found["asked"]) <= 11


def test_it_pauses_as_long_as_the_gateway_says() -> None:
    found = run("""
        behave = (query, kind, signal) => json({ pause: 5 }, signal);
        start();
        await pass(21000);
    """)

    assert 3 <= len(found["asked"]) <= 5


def test_a_token_that_is_not_valid_any_more_ends_it() -> None:
    found = run("""
        behave = (query, kind, signal) => json({}, signal, 0, 401);
        start();
        await pass(60000);
    """)

    assert (len(found["asked"]), found["over"], found["lost"]) == (1, 1, 0)


def test_a_refusal_and_an_answer_that_cannot_be_read_are_tried_again() -> None:
    found = run("""
        const html = () => new Response("<p>", { headers: { "Content-Type": "text/html" } });
        behave = (query, kind, signal) => {
            if (asked.length < 3) return json({}, signal, 0, 503);
            return asked.length < 5 ? html() : json({ cursor: "1.0" }, signal);
        };
        start();
        await pass(10000);
    """)

    assert found["heard"][0][1] == "1.0"


def test_when_there_is_nothing_more_to_listen_for_the_last_words_are_confirmed() -> None:
    found = run("""
        behave = (query, kind, signal) => isStream(kind)
            ? stream(signal, [0, event({ cursor: "7.3", listen: false })])
            : json({}, signal);
        start();
        await pass(60000);
    """)

    assert [each["after"] for each in found["asked"]] == ["", "7.3"]
    assert found["asked"][1]["wait"] == "0"


def test_after_it_is_stopped_nothing_is_asked_or_heard() -> None:
    found = run("""
        behave = (query, kind, signal) => stream(signal, [1000, event({ cursor: "1.0" })]);
        const listener = start();
        await pass(500);
        listener.stop();
        await pass(60000);
    """)

    assert (len(found["asked"]), found["heard"], found["lost"]) == (1, [], 0)
