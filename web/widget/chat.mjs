// The chat page: puts the conversation on the page and keeps help in reach when it fails.

import { leave, onThreeShifts } from "./exit_this_page.mjs";
import { sayWhenGone } from "./goodbye.mjs";
import { keepHelp } from "./offline.mjs";
import { phrase } from "./phrases.mjs";
import { make, readAloud, shown, written } from "./show.mjs";
import { Talk } from "./talk.mjs";
import { wearColour } from "./theme.mjs";

const part = (name) => document.querySelector(`[data-${name}]`);
const log = part("log");
const messages = part("messages");
const typing = part("typing");
const form = part("form");
const words = form.elements.words;
const known = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const talk = new Talk({ audience: known.audience, area: known.area });
wearColour();
sayWhenGone();
let waiting = 0;
let host = null;

function put(items, aloud) {
  part("unstarted")?.remove();
  messages.append(...items);
  // The top of what is new: a long answer is read from its beginning.
  items[0].scrollIntoView({ block: "start" });
  part("announcer").textContent = aloud;
}

function putAnswers(answers) {
  if (answers.length) put(answers.map((each) => shown(each, press)), answers.map(readAloud).join(" "));
}

function putHelp() {
  const help = part("no-answer").content.cloneNode(true).firstElementChild;
  put([help], help.textContent.replace(/\s+/g, " "));
}

async function during(work) {
  waiting += 1;
  typing.hidden = false;
  typing.scrollIntoView({ block: "nearest" });
  try {
    return await work();
  } finally {
    waiting -= 1;
    typing.hidden = waiting === 0;
  }
}

async function send(message, item) {
  item.querySelector(".message__again")?.remove();
  try {
    const { messages: answers, again } = await during(() => talk.send(message));
    putAnswers(answers);
    if (again) offerAgain(message, item);
  } catch {
    offerAgain(message, item);
    putHelp();
  }
}

/** The same message with the same id: the gateway answers and records it once. */
function offerAgain(message, item) {
  const button = make("button", "button button--choice message__again", phrase("send_again"));
  button.type = "button";
  button.addEventListener("click", () => send(message, item));
  item.append(button);
}

function say(text, content) {
  keepHelp();
  const item = written(text);
  messages.append(item);
  send({ id: newId(), ...content }, item);
}

function press(choice) {
  say(choice.label, { choice: choice.id });
  words.focus({ preventScroll: true });
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Plain HTTP on another machine than this one: randomUUID is for secure pages only.
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

const go = () => leave(() => talk.end(), host);

part("exit").addEventListener("click", (event) => {
  event.preventDefault();
  go();
});
onThreeShifts(go, (left) => {
  part("announcer").textContent = left === 1 ? phrase("press_once_more") : phrase("press_more", { left });
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = words.value;
  if (!text.trim()) return;
  words.value = "";
  say(text, { text });
});
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

// The embedding page says hello, so that we know its exact origin. The frame-ancestors policy
// decides who can be that page.
addEventListener("message", (event) => {
  if (event.source !== window.parent || event.data?.lantern !== "hello") return;
  host = event.origin;
  window.parent.postMessage({ lantern: "ready" }, host);
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && host) window.parent.postMessage({ lantern: "close" }, host);
});

const noteConnection = () => {
  part("offline").hidden = navigator.onLine;
};
addEventListener("online", noteConnection);
addEventListener("offline", noteConnection);
addEventListener("pagehide", () => talk.end());

noteConnection();
form.hidden = false;
try {
  putAnswers(await during(() => talk.begin()));
} catch {
  putHelp();
}
