// Lantern on a page of yours: one tag, anywhere.
//   <script src="https://…/widget/embed.js" data-lantern data-audience="parent" data-area="wiltshire" defer></script>
// What may stand in the tag, and what this script never does: docs/embedding.md. The page never sees what is said.

import { colour, css, inkOn } from "./colour.mjs";
import { onTwoFingerSwipe } from "./swipe.mjs";

// The gateway writes this in at its start: the script runs on pages that could not hand it over.
const given = "{{ given }}";
const tag = document.currentScript ?? document.querySelector("script[data-lantern]");
const chosen = tag.dataset;
const home = new URL(tag.src).origin;
const LOADS_MS = 15000;
const ANSWERS_MS = 3000;
// As in the style sheet: where the chat takes the whole screen.
const SMALL = "(max-width: 480px), (max-height: 480px)";

const place = make("div", { className: "lantern-chat", lang: "en-GB" });
const root = place.attachShadow({ mode: "open" });
const side = chosen.position === "left" ? "left" : "";
const launcher = button(`launcher ${side}`, label(), open);
const state = make("p", { id: "state", role: "status" });
const news = make("p", { className: "news", role: "status" });
const again = button("again", given.again, load);
const help = make("div", { className: "help" }, state, ...numbers(), again);
const bar = make("div", { className: "bar" }, button("leave", given.leave, leave), button("close", given.close, close));
const panel = make("dialog", { className: side, tabIndex: -1, autofocus: true }, help, bar);
const still = dress();
const small = matchMedia(SMALL);
let opened = false;
let ready = false;
let frame = null;
let patience;

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function button(className, textContent, press) {
  const made = make("button", { type: "button", className, textContent });
  made.addEventListener("click", press);
  return made;
}

/** One of the labels of the content: no page writes its own. */
function label() {
  const name = `open_${chosen.label}`;
  return Object.hasOwn(given, name) ? given[name] : given.open;
}

/** Whom to call, without the gateway: this is seen where it is away, or may not be framed. */
function numbers() {
  return [
    make("h2", { textContent: given.help_now }),
    linked(given.emergency, { "Call 999": "tel:999" }),
    linked(given.childline, { "Call 0800 1111": "tel:08001111", "childline.org.uk": "https://www.childline.org.uk/" }),
    linked(given.adult, { "0808 800 5000": "tel:08088005000" }),
    linked(given.own_page, { [given.own_page_link]: `${home}/chat` }),
  ];
}

/** A paragraph with links on some of its words. */
function linked(text, links) {
  const paragraph = make("p");
  let rest = text;
  for (const [words, href] of Object.entries(links)) {
    const at = rest.indexOf(words);
    const apart = href.startsWith("tel:") ? {} : { target: "_blank", rel: "noreferrer" };
    paragraph.append(rest.slice(0, at), make("a", { textContent: words, href, ...apart }));
    rest = rest.slice(at + words.length);
  }
  paragraph.append(rest);
  return paragraph;
}

/** The style sheet; and another, off at first, that keeps the page behind a full screen where it is. */
function dress() {
  try {
    // Sheets made by script are allowed on pages whose policy forbids inline styles.
    const [own, behind] = [new CSSStyleSheet(), new CSSStyleSheet()];
    own.replaceSync(given.style);
    root.adoptedStyleSheets = [own];
    behind.replaceSync(`@media ${SMALL} { html { overflow: hidden !important; } }`);
    behind.disabled = true;
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, behind];
    return behind;
  } catch {
    root.append(make("style", { textContent: given.style }));
    return {};
  }
}

function chat() {
  const known = new URLSearchParams();
  for (const name of ["audience", "area", "color"]) if (chosen[name]) known.set(name, chosen[name]);
  return `${home}/widget/#${known}`;
}

/** A new frame each time: in an old one, another address would be one more step of the history. */
function load() {
  frame?.remove();
  show(false, given.opening);
  frame = make("iframe", { title: given.open, src: chat(), referrerPolicy: "no-referrer" });
  frame.addEventListener("load", greet);
  help.before(frame);
  wait(LOADS_MS);
}

/** Ask the chat whether it is there; it answers "ready". */
function greet() {
  tell("hello");
  wait(ANSWERS_MS);
}

function wait(ms) {
  clearTimeout(patience);
  patience = setTimeout(() => show(false, given.away), ms);
}

function tell(what) {
  frame?.contentWindow?.postMessage({ lantern: what }, home);
}

/** Show the chat when it is ready, help until then. The focus goes with what was seen before. */
function show(isReady, words) {
  const follow = isReady !== ready && panel.contains(root.activeElement);
  ready = isReady;
  panel.classList.toggle("ready", ready);
  state.textContent = words;
  again.hidden = words !== given.away;
  if (follow) enter();
}

function enter() {
  (ready ? frame : panel).focus();
}

/** Whether a person has written to the closed chat: the button says so, and not a word more. */
function tellNews(on) {
  launcher.textContent = on ? given.news : label();
  news.textContent = on ? given.news : "";
}

function open() {
  tellNews(false);
  turn(true);
  appear();
  if (ready) greet();
  else load();
  enter();
}

function close() {
  if (!opened) return;
  turn(false);
  panel.close();
  clearTimeout(patience);
  tell("closed");
  launcher.focus();
}

function turn(on) {
  opened = on;
  launcher.hidden = on;
  launcher.setAttribute("aria-expanded", String(on));
  still.disabled = !on;
}

/** Where it fills the screen, the page behind is out of reach, and the bar stands on top. */
function appear() {
  panel[small.matches ? "prepend" : "append"](bar);
  if (small.matches) panel.showModal();
  else panel.show();
  hold();
}

/** On a small screen the only way to leave is in the bar: it works even when the chat hangs. */
function hold() {
  if (small.matches) tell("held");
}

function leave() {
  try {
    // The page does not get to ask whether one really wants to go.
    addEventListener("beforeunload", (event) => event.stopImmediatePropagation(), true);
    document.title = "\u00a0";
    tell("leave");
    opened = false;
    panel.close();
    root.append(make("div", { className: "cover" }));
    raise();
  } finally {
    location.replace(given.elsewhere);
  }
}

/** Above all that the page has, whatever its sheets say of layers. */
function raise() {
  if (!place.showPopover) return;
  place.popover = "manual";
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover();
}

function hear({ origin, source, data }) {
  if (origin !== home || source !== frame?.contentWindow) return;
  if (data?.lantern === "leave") leave();
  if (data?.lantern === "close") close();
  if (data?.lantern === "news" && !opened) tellNews(true);
  if (data?.lantern === "ready") {
    clearTimeout(patience);
    hold();
    show(true, "");
  }
}

/** Escape closes. Shift three times leaves, as in the chat itself, where the page has the keyboard. */
function watchKeys() {
  let presses = [];
  let alone = false;
  addEventListener("keydown", (event) => {
    alone = event.key === "Shift";
    if (!alone) presses = [];
    if (event.key === "Escape") close();
  });
  addEventListener("keyup", (event) => {
    if (event.key !== "Shift" || !alone || !opened) return;
    alone = false;
    presses = presses.filter((at) => event.timeStamp - at < 5000).concat(event.timeStamp);
    if (presses.length >= 3) leave();
  });
}

function start() {
  // The tag stands here twice, or the page has run it again.
  if (document.querySelector(".lantern-chat")) return;
  const ground = colour(chosen.color);
  if (ground) {
    launcher.style.background = css(ground);
    launcher.style.color = css(inkOn(ground));
  }
  panel.setAttribute("aria-label", given.open);
  panel.setAttribute("aria-describedby", state.id);
  launcher.setAttribute("aria-haspopup", "dialog");
  turn(false);
  root.append(launcher, news, panel);
  document.body.append(place);
  raise();
  // The browser's own ways to close what fills the screen: Escape, or back on a phone.
  panel.addEventListener("close", () => {
    if (!panel.open) close();
  });
  small.addEventListener("change", () => {
    if (!opened) return;
    panel.close();
    appear();
  });
  addEventListener("message", hear, true);
  watchKeys();
  onTwoFingerSwipe(() => opened && leave());
}

if (document.body) start();
else addEventListener("DOMContentLoaded", start);
