// Keeps an open page true without loading it again; without this script the page stays as it was.
import { follow } from "./changes.mjs";

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
  if (response.type === "opaqueredirect") ended();
  return response.ok ? response : null;
}

async function refreshList() {
  const response = await fetched(list.dataset.live);
  if (!response) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = fresh.querySelector("[data-live-list]");
  const before = list.querySelector("[data-live-list]");
  const more = Number(now.dataset.waiting) - Number(before.dataset.waiting);
  if (now.isEqualNode(before)) return;
  const rows = (part) => [...part.querySelectorAll("[data-queue-link]")].map((link) => link.href).join();
  const moved = rows(now) !== rows(before);
  // A link is known by its address, a button by that of its form, a burst that opens and shuts by
  // its number.
  const mark = (element) => element.href ?? element.form?.action ?? element.parentElement.dataset.burst;
  const focused = list.contains(document.activeElement) ? mark(document.activeElement) : null;
  for (const { dataset } of before.querySelectorAll("details[open]")) {
    now.querySelector(`details[data-burst="${dataset.burst}"]`)?.setAttribute("open", "");
  }
  before.replaceWith(now);
  if (focused) {
    [...now.querySelectorAll("a, summary, button")].find((each) => mark(each) === focused)?.focus();
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
  const changed = shownCase.querySelector("[data-live-changed]");
  if (change > Number(shownCase.dataset.seen) && changed.hidden) {
    changed.hidden = false;
    say(said.dataset.moved);
  }
}

let stop = () => {};

// Each question of a page that is signed out has its line on the audit trail: it asks no more.
function ended() {
  stop();
  say(said.dataset.ended);
}

if (said && (list || shownCase)) {
  const refresh = list ? refreshList : lookAtCase;
  let busy = Promise.resolve();
  const changed = () => {
    // One after the other, so that an older answer never overtakes a newer one.
    busy = busy.then(refresh).catch(() => {});
    document.dispatchEvent(new CustomEvent("lantern:change"));
  };
  stop = follow(`/live?seen=${said.dataset.change}`, { changed, ended });
}
