// The chat page: puts the conversation on the page and keeps help in reach when it fails.

import { announce, gist } from "./announce.mjs";
import { button, part } from "./dom.mjs";
import { leave, onThreeShifts } from "./exit_this_page.mjs";
import { sayWhenGone } from "./goodbye.mjs";
import { framed, listenToHost, tellHost, whenSeen } from "./host.mjs";
import { during, empty, isEmpty, put, putOwn } from "./log.mjs";
import { keepHelp } from "./offline.mjs";
import { phrase } from "./phrases.mjs";
import { watchQuiet } from "./quiet.mjs";
import { said, written } from "./show.mjs";
import { onTwoFingerSwipe } from "./swipe.mjs";
import { Talk } from "./talk.mjs";
import { wearColour } from "./theme.mjs";

const form = part("form");
const words = form.elements.words;
const menu = part("menu");
const ending = part("ending");
const tooLong = part("too-long");
// A browser cuts what is pasted at the limit and says nothing: the page keeps it all, and tells.
const most = words.maxLength;
words.removeAttribute("maxlength");
const known = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const talk = new Talk({ audience: known.audience, area: known.area });
let checked = false;
let away = false;
// Whether the page round it has closed the chat and keeps it; and a person in the chat, if one was asked for.
let shut = false;
let live = null;
// Whether what is typed next is a secret: a phrase, or the answer that goes with it.
let hides = false;

/** Put a turn of Lantern's there. `pressed` is the button that it answers, if one was pressed. */
function putAnswers(answers, pressed, press = pressChoice) {
  hides = Boolean(answers.at(-1)?.hides);
  if (!answers.length) return;
  const turn = said(answers, press);
  put(turn, gist(answers), pressed);
  if (answers.some(({ topic }) => topic === "say_it")) putTool(turn);
}

/** Put the tool that makes a note below the message that offers it. It is loaded only then. */
async function putTool(turn) {
  try {
    const { noteTool } = await import("/widget/say_it.mjs");
    turn.append(noteTool(await during(() => talk.read("/v1/note"))));
  } catch {
    putHelp();
  }
}

function putHelp(pressed) {
  const help = part("no-answer").content.cloneNode(true).firstElementChild;
  put(help, help.textContent.replace(/\s+/g, " ").trim(), pressed);
}

async function send(message, item, pressed) {
  item.querySelector(".turn__again")?.remove();
  const work = () => talk.send({ ...message, live: live?.chat ?? undefined });
  try {
    // Where a person has the chat, Lantern is not writing.
    const { messages, again, listen, live: now } = await (live?.isOpen ? work() : during(work));
    // What was cleared meanwhile stays cleared.
    if (!item.isConnected) return;
    putAnswers(messages, pressed);
    if (again) offerAgain(message, item);
    if (now) live?.note(now);
    live?.warn(messages);
    if (listen) hearPerson();
  } catch {
    if (!item.isConnected) return;
    offerAgain(message, item);
    putHelp(pressed);
  }
}

/** Listen for a person. The script for it is loaded only when there is one to listen for. */
async function hearPerson(tries = 0) {
  try {
    // An address that failed once is not asked again by every browser.
    const { Live } = await (tries ? import(`/widget/live.mjs?${tries}`) : import("/widget/live.mjs"));
    if (!talk.said) return;
    live ??= new Live({
      ask: (...what) => talk.listen(...what),
      press: pressChoice,
      put: (messages) => {
        put(said(messages, pressChoice), gist(messages));
        if (shut && messages[0].by) tellHost("news");
      },
    });
    live.start();
  } catch {
    if (tries < 5) setTimeout(hearPerson, 2000 << tries, tries + 1);
  }
}

/** The same message with the same id: the gateway answers and records it once. */
function offerAgain(message, item) {
  item.append(button(phrase("send_again"), "button--choice turn__again", () => send(message, item)));
}

function say(text, content, pressed) {
  keepHelp();
  const item = written(hides && content.text ? phrase("hidden") : text);
  putOwn(item);
  send({ id: newId(), ...content }, item, pressed);
}

function pressChoice(choice, pressed) {
  say(choice.label, { choice: choice.id }, pressed);
}

/** A random UUID. crypto.randomUUID is for secure pages only, and the demonstration may not be one. */
function newId() {
  const random = () => crypto.getRandomValues(new Uint8Array(1))[0];
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (at) => (at ^ (random() & (15 >> (at / 4)))).toString(16));
}

/** Take all words off the page and end the conversation on the server. */
function clear() {
  talk.end();
  wipe();
}

function wipe() {
  live?.stop();
  empty();
  words.value = "";
  tooLong.hidden = true;
  ending.hidden = true;
  menu.open = false;
  announce("");
}

/** Put there what the gateway answers to `ask`; without an answer, help. */
async function putWhat(ask, pressed) {
  try {
    putAnswers(await during(ask), pressed);
  } catch {
    putHelp(pressed);
  }
}

const begin = (pressed) => putWhat(() => talk.begin(), pressed);
const carryOn = async (pressed) => {
  await putWhat(() => talk.last(), pressed);
  hearPerson();
};

function startAgain(pressed) {
  clear();
  begin(pressed);
}

/** Say something that the gateway has no part in, with buttons that call these. */
function putOwnWords(text, steps = {}) {
  const choices = Object.keys(steps).map((id) => ({ id, label: phrase(id) }));
  putAnswers([{ kind: "text", text, choices }], null, (choice, pressed) => steps[choice.id](pressed));
}

/** Whether the words are too long to send as one message. The page says so, and aloud on request. */
function isTooLong(aloud) {
  const over = words.value.length - most;
  tooLong.hidden = over <= 0;
  if (tooLong.hidden) return false;
  tooLong.textContent = phrase("too_long", { over });
  if (aloud) announce(tooLong.textContent);
  return true;
}

const go = () => leave(() => talk.end());

part("exit").addEventListener("click", (event) => {
  event.preventDefault();
  go();
});
onThreeShifts(go, (left) => {
  announce(left === 1 ? phrase("press_once_more") : phrase("press_more", { left }));
});
onTwoFingerSwipe(go);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = words.value;
  if (!text.trim() || isTooLong(true)) return;
  words.value = "";
  say(text, { text });
});
words.addEventListener("input", () => isTooLong(tooLong.hidden));
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  if (menu.open) {
    menu.open = false;
    menu.firstElementChild.focus();
  } else if ((talk.said && document.activeElement === words) || !tellHost("close")) {
    // From the box it leads to the top first: closing would clear what was said.
    (part("exit").offsetParent ? part("exit") : menu.firstElementChild).focus();
  }
});
for (const way of document.querySelectorAll("[data-to]")) {
  way.addEventListener("click", () => {
    const place = document.getElementById(way.dataset.to);
    menu.open = false;
    if (place.matches("summary")) place.parentElement.open = true;
    place.scrollIntoView({ block: "start" });
    place.focus();
  });
}
part("letterbox").addEventListener("click", (event) => {
  menu.open = false;
  pressChoice({ id: "letterbox_enter", label: event.currentTarget.textContent }, event.currentTarget);
});
part("clear").addEventListener("click", (event) => startAgain(event.currentTarget));

listenToHost({
  hello: () => {
    shut = false;
    part("keeping").hidden = false;
    tellHost("ready");
  },
  held: () => document.body.classList.add("held"),
  // The page leaves by itself: nothing stays behind in its frame.
  leave: () => {
    clear();
    document.body.replaceChildren();
  },
  closed: () => {
    shut = true;
    if (away || document.getElementById("keep").checked) return;
    away = true;
    clear();
    whenSeen(() => {
      away = false;
      begin();
    });
  },
});

watchQuiet({
  check: () => {
    if (checked || isEmpty() || live?.isOpen) return;
    checked = true;
    putOwnWords(phrase("quiet_check"));
  },
  warn: () => {
    if (!talk.said) return;
    ending.hidden = false;
    announce(ending.firstElementChild.textContent);
  },
  carryOn: () => {
    ending.hidden = true;
  },
  end: () => {
    if (!talk.said) return;
    clear();
    putOwnWords(phrase("quiet_end"), { start_again: startAgain });
  },
});

const noteConnection = () => {
  part("offline").hidden = navigator.onLine;
};
addEventListener("online", noteConnection);
addEventListener("offline", noteConnection);

/** Offer to carry on, where a conversation of this tab may be; or else begin one. */
function arrive(mayCarryOn) {
  if (talk.found(mayCarryOn)) putOwnWords(phrase("back"), { carry_on: carryOn, start_again: startAgain });
  else begin();
}

// Whoever comes Back, or opens a closed tab again, need not be who wrote: words do not stay for them,
// and only a reload in place is offered the conversation. In a frame the page round it was reloaded.
addEventListener("pagehide", () => {
  if (!talk.said) talk.end();
  wipe();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) arrive(framed);
});

wearColour();
sayWhenGone();
noteConnection();
// What needs this script is not promised without it.
for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
arrive(framed || document.wasDiscarded || performance.getEntriesByType("navigation")[0]?.type === "reload");
