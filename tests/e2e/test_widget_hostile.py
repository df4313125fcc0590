"""The widget on pages that are careless, strict or hostile."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.running_widget import (
    WEATHER,
    Served,
    Site,
    open_embedded,
    said_hello,
    shown,
    tag,
)

PANEL = "Chat with Lantern"
HIDING = """<style>
    * { all: unset !important; opacity: 0 !important; transform: scale(0) !important; }
    html, body, p { display: block !important; opacity: 1 !important; transform: none !important; }
    iframe, dialog, div { display: none !important; visibility: hidden !important; }
    body { transform: translate(40px, 40px) !important; filter: blur(1px) !important; }
    p { position: fixed !important; inset: 0 !important; z-index: 2147483647 !important; }
</style><p>Covers all</p>"""
FORGER = """<script>
    for (const what of ["ready", "close", "leave"]) parent.postMessage({lantern: what}, "*");
    setInterval(() => {
        for (let at = 0; at < parent.length; at += 1)
            for (const what of ["hello", "closed", "leave"])
                parent[at].postMessage({lantern: what}, "*");
    }, 50);
</script>"""
LATER = """<script>
    const script = document.createElement("script");
    script.src = "{url}/widget/embed.js";
    script.setAttribute("data-lantern", "");
    document.head.append(script);
</script>"""
SOURCE = '<script src="{url}/widget/embed.js" data-lantern></script>'


def test_no_style_of_the_page_hides_the_chat(
    context: BrowserContext, site: Site, gateway: Served
) -> None:
    site.pages["/"] = HIDING + tag(gateway)
    page = shown(context, site)

    frame = open_embedded(page)

    box = page.locator("iframe").bounding_box()
    assert box
    assert box["width"] > 300
    assert box["height"] > 500
    frame.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Close chat").click()
    expect(page.locator("iframe")).to_be_hidden()


def test_nobody_but_the_chat_and_the_page_is_listened_to(
    context: BrowserContext, site: Site, gateway: Served
) -> None:
    forger = f"http://127.0.0.1:{site.port}/forger"
    site.pages["/forger"] = FORGER
    site.pages["/"] = tag(gateway)
    page = shown(context, site)
    frame = open_embedded(page)
    said_hello(frame)
    page.evaluate(
        """async (forger) => {
            for (const what of ["close", "leave"]) postMessage({lantern: what}, "*");
            const frame = Object.assign(document.createElement("iframe"), {src: forger});
            const loaded = new Promise((done) => frame.addEventListener("load", done));
            document.body.append(frame);
            await loaded;
            await new Promise((done) => setTimeout(done, 300));
        }""",
        forger,
    )

    chat = page.frame_locator(f"iframe[title='{PANEL}']")
    expect(chat.get_by_role("log").get_by_text("Hello from Rasa")).to_be_visible()
    assert page.url == site.url + "/"


def test_the_page_cannot_read_what_is_said(context: BrowserContext, school: Site) -> None:
    page = shown(context, school)
    said_hello(open_embedded(page))

    read = page.evaluate("""() => {
        const frame = document.querySelector(".lantern-chat").shadowRoot.querySelector("iframe");
        try { return [frame.contentDocument, frame.contentWindow.document.body.textContent]; }
        catch (error) { return [frame.contentDocument, error.name]; }
    }""")

    assert read == [None, "SecurityError"]


def test_a_page_that_swallows_messages_gets_help_and_can_be_left(
    context: BrowserContext, site: Site, gateway: Served
) -> None:
    site.pages["/"] = (
        "<script>addEventListener('message', (e) => e.stopImmediatePropagation(), true);</script>"
        + tag(gateway)
    )
    page = shown(context, site)
    page.get_by_role("button", name=PANEL).click()
    panel = page.get_by_role("dialog", name=PANEL)
    expect(panel.get_by_text("the chat can't open here")).to_be_visible(timeout=20_000)

    panel.get_by_role("button", name="Leave now").click()

    page.wait_for_url(WEATHER)


@pytest.mark.parametrize(
    "attributes",
    [
        """data-audience='"><script>window.hacked=1</script>'""",
        """data-area='javascript:window.hacked=1'""",
        """data-color='red;background:url(javascript:window.hacked=1)' data-position='"><b>'""",
        """data-label='__proto__' data-label="<img src=x onerror=window.hacked=1>" """,
    ],
)
def test_nothing_in_the_tag_breaks_out(
    context: BrowserContext, site: Site, gateway: Served, attributes: str
) -> None:
    site.pages["/"] = tag(gateway, attributes)
    page = shown(context, site)

    said_hello(open_embedded(page))

    assert [frame.evaluate("window.hacked ?? null") for frame in page.frames] == [None, None]
    assert page.frames[1].url.startswith(f"{gateway.url}/widget/#")


@pytest.mark.parametrize(
    "page_of_the_site",
    [
        "<head>" + SOURCE + "</head><h1>In the head, not deferred</h1>",
        "<h1>Twice</h1>" + 2 * SOURCE,
        "<h1>By a tag manager</h1>" + LATER,
        '<base href="https://elsewhere.example/" target="_top"><h1>Another base</h1>' + SOURCE,
        '<html dir="rtl" style="font-size: 8px"><h1>From right to left</h1>' + SOURCE,
    ],
)
def test_wherever_the_tag_stands_there_is_one_button(
    context: BrowserContext, site: Site, gateway: Served, page_of_the_site: str
) -> None:
    site.pages["/"] = page_of_the_site.replace("{url}", gateway.url)
    page = shown(context, site)

    open_embedded(page)

    assert page.locator(".lantern-chat").count() == 1


def test_a_strict_policy_needs_to_name_the_chat_for_scripts_and_frames_alone(
    context: BrowserContext, school: Site, gateway: Served
) -> None:
    school.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {gateway.url}; frame-src {gateway.url}; "
        "require-trusted-types-for 'script'"
    )
    page = shown(context, school)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))

    open_embedded(page)

    assert problems == []
    launcher = "() => getComputedStyle(document.querySelector('.lantern-chat')).position"
    assert page.evaluate(launcher) == "fixed"


def test_a_policy_without_the_frame_gets_help(
    context: BrowserContext, school: Site, gateway: Served
) -> None:
    school.headers["Content-Security-Policy"] = f"default-src 'none'; script-src {gateway.url}"
    page = shown(context, school)

    page.get_by_role("button", name=PANEL).click()

    expect(page.get_by_role("dialog").get_by_role("link", name="Call 999")).to_be_visible()
