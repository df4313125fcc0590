// Keeps the page of a live chat true: new words come by themselves, what is typed is never lost,
// and the young person learns that the page is open. Without this script its forms do the same.
import { setClock } from "./chats.mjs";
import { Outbox, fresh } from "./outbox.mjs";

const page = document.querySelector("[data-chat]");
const say = (name) => page.dataset[`say${name}`];
const BEAT_MS = 10_000;
const POLL_MS = 1_500;
const SILENCE_MS = 12_000;
const SIGNED_OUT_MS = 15_000;
const TYPING_MS = 3_000;
const ASLEEP_MS = 45_000;
const NEAR_PX = 80;

const part = () => page.querySelector("[data-chat-part]");
const status = page.querySelector("[data-chat-said]");
const notice = page.querySelector("[data-chat-notice]");
const kept = page.querySelector("[data-chat-kept]");
const field = (name) => page.querySelector(`#${name}`);
const plainTitle = document.title.replace(/^\(.*?\) /, "");
let unread = 0;
let signedOut = false;

const tell = (words) => {
  // The same words twice would not be read out again.
  status.textContent = status.textContent === words ? `${words}\u00a0` : words;
};

const warn = (words, signIn = false) => {
  notice.querySelector("[data-chat-notice-words]").textContent = words;
  notice.querySelector("[data-chat-sign-in]").hidden = !signIn;
  notice.hidden = !words;
};

const keep = (words) => {
  if (!words.trim()) return;
  const box = kept.querySelector("textarea");
  box.value = box.value ? `${box.value}\n\n${words}` : words;
  kept.hidden = false;
};

// ---- what the server says -----------------------------------------------------------------------
class SignedOut extends Error {}

async function fetched(address, options = {}) {
  const controller = new AbortController();
  const limit = setTimeout(() => controller.abort(), 10_000);
  try {
    const response = await fetch(address, { cache: "no-store", redirect: "manual", signal: controller.signal, ...options });
    if (response.type === "opaqueredirect" || response.status === 401) throw new SignedOut();
    return response;
  } finally {
    clearTimeout(limit);
  }
}

function posted(address, fields) {
  const body = new URLSearchParams({ form_token: part().dataset.token, term: part().dataset.term, ...fields });
  return fetched(address, { method: "POST", body, headers: { Accept: "application/json" } });
}

function connected(yes) {
  if (yes && signedOut) signedOut = false;
  if (yes && !notice.hidden) {
    warn("");
    tell(say("Online"));
    outbox.now();
  }
  if (!yes && !signedOut) warn(say("Offline"));
}

function ended() {
  signedOut = true;
  warn(say("SignedOut"), true);
}

// ---- the lines and the state --------------------------------------------------------------------
function beginLog() {
  const log = page.querySelector("[data-chat-log]");
  if (!log) return;
  down(log);
  log.addEventListener("scroll", () => {
    if (isNear(log)) page.querySelector("[data-chat-below]").hidden = true;
  }, { passive: true });
}
const isNear = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
const down = (log) => {
  log.scrollTop = log.scrollHeight;
};

function refreshLines(now, before) {
  const [log, from, to] = [before.querySelector("[data-chat-log]"), now.querySelector("[data-chat-lines]"), before.querySelector("[data-chat-lines]")];
  const stayed = isNear(log);
  const there = new Map([...to.children].map((line) => [line.dataset.line, line]));
  const came = [];
  let last = null;
  for (const line of [...from.children]) {
    const old = there.get(line.dataset.line);
    if (!old) {
      if (last) last.after(line);
      else to.prepend(line);
      last = line;
      came.push(line);
      continue;
    }
    const [mark, seen] = [old.querySelector("[data-mark]"), line.querySelector("[data-mark]")];
    if (mark && seen && mark.textContent !== seen.textContent) mark.textContent = seen.textContent;
    there.delete(line.dataset.line);
    last = old;
  }
  for (const gone of there.values()) if (!("pending" in gone.dataset)) gone.remove();
  const theirs = came.filter((line) => line.dataset.kind === "person");
  const ours = came.some((line) => line.dataset.kind === "staff");
  if (stayed || ours) down(log);
  else if (came.length) before.querySelector("[data-chat-below]").hidden = false;
  if (!theirs.length) return;
  if (document.visibilityState === "hidden") unread += theirs.length;
  title();
  const grave = theirs.map((line) => line.dataset.severity).filter(Boolean).at(-1);
  tell(grave ? say("CameGrave").replace("{severity}", grave) : say("Came"));
}

function title() {
  const detail = unread ? `(${unread}) ${plainTitle}` : plainTitle;
  document.dispatchEvent(new CustomEvent("lantern:title", { detail }));
}

// The forms are exchanged where others belong there: what was typed and where the reader is stays.
function exchangeForms(now, before) {
  const old = before.querySelector("[data-chat-forms]");
  const next = now.querySelector("[data-chat-forms]");
  const typed = new Map([...old.querySelectorAll("textarea, select, input[type=date]")].map((each) => [each.id, each.value]));
  const open = [...old.querySelectorAll("details[open]")].map((each) => each.id);
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const at = active?.matches("textarea") ? [active.selectionStart, active.selectionEnd] : null;
  old.replaceWith(next);
  for (const [id, value] of typed) {
    const place = id && next.querySelector(`#${CSS.escape(id)}`);
    if (place) place.value = value;
    else if (id === "text" || id === "whisper" || id === "note" || id === "reason") keep(value);
  }
  for (const id of open) next.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  const same = active?.id && next.querySelector(`#${CSS.escape(active.id)}`);
  if (same) {
    same.focus();
    if (at) same.setSelectionRange(...at);
  } else if (active) {
    // What had the focus is gone: the state says why.
    const state = before.querySelector("[data-chat-state]");
    state.tabIndex = -1;
    state.focus();
  }
  document.dispatchEvent(new CustomEvent("lantern:forms", { detail: next }));
}

async function refresh() {
  const response = await fetched(`${page.dataset.liveHref}/part`);
  if (!response.ok) throw new Error(`${response.status}`);
  const now = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-chat-part]");
  connected(true);
  setClock(now.dataset.at);
  const before = part();
  const [was, is] = [before.dataset.state, now.dataset.state];
  if (before.dataset.mode !== now.dataset.mode) {
    const lost = before.dataset.mine && !now.dataset.mine;
    exchangeForms(now, before);
    if (was === "offered" && is === "open" && now.dataset.mine) tell(say("Accepted"));
    if (lost) {
      keep(outbox.giveBack());
      tell(say("Lost"));
    }
  }
  for (const name of ["change", "mode", "term", "state", "mine", "token", "confirm"]) before.dataset[name] = now.dataset[name];
  for (const each of before.querySelectorAll("input[name=term]")) each.value = now.dataset.term;
  for (const each of document.querySelectorAll("input[name=form_token]")) each.value = now.dataset.token;
  const bar = document.querySelector("[data-chats]");
  if (bar && bar.dataset.token !== now.dataset.token) {
    // Signed in again: the bar goes on too.
    bar.dataset.token = now.dataset.token;
    document.dispatchEvent(new CustomEvent("lantern:change"));
  }
  page.querySelector("[data-chat-title]").textContent = now.dataset.title;
  const [state, stateNow] = [before.querySelector("[data-chat-state]"), now.querySelector("[data-chat-state]")];
  if (state.innerHTML !== stateNow.innerHTML) state.replaceChildren(...stateNow.childNodes);
  const lines = [now, before].map((each) => each.querySelector("[data-chat-lines]") !== null);
  if (lines[0] && lines[1]) refreshLines(now, before);
  // The words came before the reader, or may not be before them any more.
  else if (lines[0] || lines[1]) {
    before.querySelector("[data-chat-words]").replaceWith(now.querySelector("[data-chat-words]"));
    beginLog();
  }
}

// One after the other, so that an older answer never overtakes a newer one.
// It resolves to whether an answer came that was asked for after the call.
let running = null;
let next = null;
let asked_at = 0;
function look() {
  if (running) {
    next ??= running.then(() => {
      next = null;
      return look();
    });
    return next;
  }
  asked_at = Date.now();
  running = refresh()
    .then(() => true)
    .catch((error) => {
      if (error instanceof SignedOut) ended();
      else connected(false);
      return false;
    })
    .finally(() => {
      running = null;
    });
  return running;
}

// ---- how changes come: events, and questions where a proxy holds the events back ----------------
let source = null;
let heard_at = 0;
let has_heard = false;
let silent = 0;
const hear = () => {
  heard_at = Date.now();
  has_heard = true;
  silent = 0;
};
function listen() {
  source?.close();
  heard_at = Date.now();
  has_heard = false;
  source = new EventSource(`${page.dataset.liveHref}/events?seen=${encodeURIComponent(part().dataset.change)}`);
  source.addEventListener("beat", hear);
  source.addEventListener("change", () => {
    hear();
    look();
  });
  source.addEventListener("ended", () => {
    source.close();
    source = null;
    ended();
  });
  source.addEventListener("error", () => {
    source?.close();
    source = null;
  });
}
setInterval(() => {
  const isSilent = source !== null && Date.now() - heard_at > SILENCE_MS;
  if (isSilent) {
    source.close();
    source = null;
    silent += 1;
  }
  if (source !== null && has_heard) return;
  // Each question of a page that is signed out has its line on the audit trail.
  if (signedOut && Date.now() - asked_at < SIGNED_OUT_MS) return;
  look();
  // Twice silent: something on the way holds events back, so the page goes on asking.
  if (source === null && silent < 2 && !signedOut && notice.hidden) listen();
}, POLL_MS);

// ---- that the page is open, and that somebody types ---------------------------------------------
let beaten_at = Date.now();
async function beat() {
  if (!part().dataset.mine || signedOut) return;
  const slept = Date.now() - beaten_at > ASLEEP_MS;
  beaten_at = Date.now();
  try {
    const response = await posted(`${page.dataset.liveHref}/beat`, {});
    if (slept) tell(say("Asleep"));
    if (slept || response.status === 409) look();
  } catch (error) {
    if (error instanceof SignedOut) ended();
  }
}
setInterval(beat, BEAT_MS);
const wake = () => {
  if (document.visibilityState !== "visible") return;
  unread = 0;
  title();
  beat();
  look();
};
document.addEventListener("visibilitychange", wake);
window.addEventListener("pageshow", wake);
window.addEventListener("online", wake);
window.addEventListener("pagehide", () => source?.close());

let typed_at = 0;
page.addEventListener("input", (event) => {
  if (event.target.id !== "text" || part().dataset.state !== "open" || !event.target.value.trim()) return;
  if (Date.now() - typed_at < TYPING_MS) return;
  typed_at = Date.now();
  posted(`${page.dataset.href}/typing`, {}).catch(() => {});
});
// Whoever reads is not away: keys, touches and scrolling count as use of the session.
let used_at = Date.now();
for (const kind of ["keydown", "pointerdown", "scroll"]) {
  document.addEventListener(kind, () => {
    if (Date.now() - used_at < 60_000) return;
    used_at = Date.now();
    fetch("/alive", { redirect: "manual", cache: "no-store" }).catch(() => {});
  }, { passive: true, capture: true });
}

// ---- saying something ---------------------------------------------------------------------------
const pending = (item) => {
  const line = document.createElement("li");
  line.className = "turn turn--staff chat__pending";
  line.dataset.line = `pending-${item.nonce}`;
  line.dataset.pending = "";
  for (const [kind, words] of [["turn__by", say("You")], ["turn__text", item.text], ["turn__by", say("Sending")]]) {
    const each = line.appendChild(document.createElement("p"));
    each.className = kind;
    each.textContent = words;
  }
  return line;
};

const outbox = new Outbox({
  show(item) {
    item.line = pending(item);
    page.querySelector("[data-chat-lines]").append(item.line);
    down(page.querySelector("[data-chat-log]"));
  },
  send: (item) => posted(`${page.dataset.href}/say`, { text: item.text, nonce: item.nonce }),
  wait(item) {
    item.line.lastElementChild.textContent = say("Unsent");
    connected(false);
  },
  async done(item) {
    // Until the page shows the words as they are on record.
    while (!(await look())) await new Promise((go) => setTimeout(go, POLL_MS));
    item.line.remove();
  },
  refused(item, { kind, said }) {
    item.line.remove();
    const box = field("text");
    if (kind === "invalid" && box) {
      box.value = box.value ? `${item.text}\n\n${box.value}` : item.text;
    } else {
      keep(item.text);
    }
    const error = page.querySelector("[data-chat-error]");
    if (error) {
      error.textContent = said;
      error.hidden = false;
    }
    tell(said);
    look();
  },
  signedOut: ended,
  isSignedOut: (error) => error instanceof SignedOut,
  mayTry: () => !signedOut,
});

page.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.matches("[data-chat-say]")) {
    event.preventDefault();
    const box = field("text");
    if (button?.matches("[data-chat-insert]")) return insert(box);
    if (button?.matches("[data-chat-plain]")) return look();
    page.querySelector("[data-chat-error]").hidden = true;
    if (part().dataset.state !== "open" || !box.value.trim()) return;
    outbox.add({ text: box.value, nonce: fresh() });
    box.value = "";
    box.focus();
  } else if (form.matches("[data-chat-aside]")) {
    event.preventDefault();
    const box = form.querySelector("textarea");
    if (form.dataset.busy || !box.value.trim()) return;
    form.dataset.busy = "yes";
    try {
      const response = await posted(form.action, { [box.name]: box.value });
      if (response.ok) {
        box.value = "";
        tell(say(form.dataset.chatAside === "note-kept" ? "NoteKept" : "WhisperSent"));
      } else {
        tell((await response.json()).said ?? say("Offline"));
      }
      look();
    } catch (error) {
      if (error instanceof SignedOut) ended();
      else connected(false);
    } finally {
      delete form.dataset.busy;
    }
  }
});

// What is chosen is shown before it goes into the box.
function showChosen() {
  const place = page.querySelector("[data-chat-chosen]");
  if (!place) return;
  const { text, when } = field("canned").selectedOptions[0]?.dataset ?? {};
  place.hidden = !text;
  place.querySelector("[data-chat-when]").textContent = when ?? "";
  place.querySelector("[data-chat-text]").textContent = text ?? "";
}
page.addEventListener("change", (event) => {
  if (event.target.matches("[data-chat-canned]")) showChosen();
});

function insert(box) {
  const chosen = field("canned").selectedOptions[0];
  const text = chosen?.dataset.text;
  if (!text) return;
  box.value = box.value.trim() ? `${box.value.trimEnd()}\n\n${text}` : text;
  field("canned").value = "";
  showChosen();
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

page.addEventListener("keydown", (event) => {
  if (event.target.id !== "text" || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  field("text").form.requestSubmit(page.querySelector("[data-chat-send]"));
});
page.addEventListener("click", (event) => {
  if (!event.target.matches("[data-chat-below]")) return;
  const log = page.querySelector("[data-chat-log]");
  down(log);
  log.focus();
  event.target.hidden = true;
});
window.addEventListener("beforeunload", (event) => {
  if (outbox.waits || (field("text")?.value.trim() && !leaving)) event.preventDefault();
});

let leaving = false;
document.addEventListener("submit", (event) => {
  leaving = event.target.matches("[data-sign-out]");
});

// ---- at the beginning ---------------------------------------------------------------------------
const begin = () => {
  for (const each of page.querySelectorAll("[data-chat-plain]")) each.hidden = true;
  showChosen();
};
begin();
document.addEventListener("lantern:forms", begin);
beginLog();
listen();
