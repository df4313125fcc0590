// The bar of live chats on every page, and times that go on while a page is open.
// Without this script the page "Live chats" says the same.
const bar = document.querySelector("[data-chats]");
const TICK_MS = 1000;

// In the same words as `waited` in staff/console/wording.py.
export function waited(seconds) {
  const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [size, unit] = units.find(([least]) => seconds >= least) ?? [1, "second"];
  const number = Math.max(0, Math.floor(seconds / size));
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

// The clock of this computer may be wrong: times count from what the server said of now.
let ahead_ms = 0;
setInterval(() => {
  for (const each of document.querySelectorAll("[data-ago]")) {
    const words = waited((Date.now() + ahead_ms - Date.parse(each.dataset.ago)) / 1000);
    if (each.textContent !== words) each.textContent = words;
  }
}, TICK_MS);

export function setClock(now) {
  ahead_ms = Date.parse(now) - Date.now();
}

if (bar) {
  const said = bar.querySelector("[data-chats-said]");
  const place = bar.querySelector("[data-chats-place]");
  let waiting;
  let busy = false;
  let known = new Set();

  const isInSight = () =>
    document.visibilityState === "visible" && !document.querySelector("dialog[data-cover][open]");

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
    setClock(fresh.dataset.at);
    const calls = [...fresh.querySelectorAll("[data-call]")];
    const news = calls.filter((each) => !known.has(each.dataset.call));
    known = new Set(calls.map((each) => each.dataset.call));
    const plain = (element) => element.textContent.replace(/\d+ (second|minute|hour)s?/g, "").replace(/\s+/g, " ");
    // A page of a chat says by itself how that chat stands.
    for (const link of fresh.querySelectorAll("a")) {
      if (link.pathname === location.pathname) link.parentElement.remove();
    }
    const before = place.firstElementChild;
    // What looks the same stays, so that nobody who is about to press a button loses it.
    if (!before || plain(before) !== plain(fresh)) {
      const focused = place.contains(document.activeElement) ? document.activeElement.textContent : null;
      place.replaceChildren(fresh);
      if (focused !== null) {
        const same = [...place.querySelectorAll("button, a")].find((each) => each.textContent === focused);
        (same ?? place.querySelector("button, a"))?.focus();
      }
    }
    bar.classList.toggle("chats--calls", "calls" in fresh.dataset);
    bar.hidden = !fresh.textContent.trim();
    if (news.length) said.textContent = news[0].querySelector("strong").textContent;
    return Number(fresh.dataset.every) * TICK_MS;
  };

  const ask = async (address, fields) => {
    if (busy) return;
    busy = true;
    clearTimeout(waiting);
    let next = 5 * TICK_MS;
    try {
      const body = new URLSearchParams({ form_token: bar.dataset.token, bar: "yes", ...fields });
      const response = await fetch(address, { method: "POST", body, cache: "no-store", redirect: "manual" });
      if (response.ok) {
        next = show(await response.text());
      } else if (response.status < 500) {
        // Signed out, or not allowed any more: asking again changes nothing.
        bar.hidden = true;
        return;
      }
    } catch {
      // No connection. It is asked again.
    } finally {
      busy = false;
    }
    waiting = setTimeout(look, next);
  };
  const look = () => ask("/live/chats/bar", { in_sight: isInSight() ? "yes" : "" });

  bar.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-chats-ready]")) return;
    event.preventDefault();
    ask("/live-chats/ready", { ready: event.target.elements.ready.value });
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
  });
  document.addEventListener("lantern:change", look);
  look();
}
