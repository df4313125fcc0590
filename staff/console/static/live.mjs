// Keeps an open page true without loading it again; without this script the page stays as it was.
const list = document.querySelector("[data-live]");
const shownCase = document.querySelector("[data-live-case]");
const said = document.querySelector("[data-live-said]");

const plainTitle = document.title.replace(/^\(.*?\) /, "");

function say(words) {
  // The same words twice would not be read out again.
  said.textContent = said.textContent === words ? `${words}\u00a0` : words;
}

async function fetched(address) {
  const response = await fetch(address, { cache: "no-store", redirect: "manual" });
  return response.ok ? response : null;
}

async function refreshList() {
  const response = await fetched(list.dataset.live);
  if (!response) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = fresh.querySelector("[data-live-list]");
  const before = list.querySelector("[data-live-list]");
  const more = Number(now.dataset.waiting) - Number(before.dataset.waiting);
  const rows = (part) => [...part.querySelectorAll("[data-queue-link]")].map((link) => link.href).join();
  const moved = rows(now) !== rows(before);
  // A link is known by its address, a burst that opens and shuts by its number.
  const mark = (element) => element.href ?? element.parentElement.dataset.burst;
  const focused = list.contains(document.activeElement) ? mark(document.activeElement) : null;
  for (const { dataset } of before.querySelectorAll("details[open]")) {
    now.querySelector(`details[data-burst="${dataset.burst}"]`)?.setAttribute("open", "");
  }
  before.replaceWith(now);
  if (focused) {
    [...now.querySelectorAll("a, summary")].find((each) => mark(each) === focused)?.focus();
  }
  const title = `(${now.dataset.counted}) ${plainTitle}`;
  document.dispatchEvent(new CustomEvent("lantern:title", { detail: title }));
  if (more > 0) say(said.dataset.more);
  else if (moved) say(said.dataset.moved);
}

async function lookAtCase() {
  const response = await fetched(shownCase.dataset.liveCase);
  if (!response) return;
  const { change } = await response.json();
  if (change > Number(shownCase.dataset.seen)) {
    shownCase.querySelector("[data-live-changed]").hidden = false;
    say(said.dataset.moved);
  }
}

if (said && (list || shownCase)) {
  const refresh = list ? refreshList : lookAtCase;
  const source = new EventSource(`/live?seen=${said.dataset.change}`);
  let busy = Promise.resolve();
  source.addEventListener("change", () => {
    // One after the other, so that an older answer never overtakes a newer one.
    busy = busy.then(refresh).catch(() => {});
    document.dispatchEvent(new CustomEvent("lantern:change"));
  });
  source.addEventListener("ended", () => {
    source.close();
    say(said.dataset.ended);
  });
  window.addEventListener("pagehide", () => source.close());
}
