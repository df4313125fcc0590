// The conversation as it stands on the page: what is put there, and that an answer is being made.

import { announce } from "./announce.mjs";
import { part } from "./dom.mjs";
import { phrase } from "./phrases.mjs";

const SOON_MS = 1000;
const turns = part("messages");
const typing = part("typing");
let waiting = 0;

/**
 * Put a turn of Lantern's there and tell of it. Whoever pressed `pressed` and has not moved on since
 * is taken to the turn; nobody else's focus moves, and no keyboard opens over the answer.
 */
export function put(turn, aloud, pressed) {
  part("unstarted")?.remove();
  turns.append(turn);
  // The top of what is new: a long answer is read from its beginning. A person's words follow those before.
  const block = turn.matches(".turn--person") ? "nearest" : "start";
  if (turn.previousElementSibling) turn.scrollIntoView({ block });
  announce(aloud);
  if (pressed && [pressed, document.body].includes(document.activeElement)) {
    turn.querySelector(".turn__name")?.focus({ preventScroll: true });
  }
}

/** Put there what the person wrote. */
export function putOwn(turn) {
  turns.append(turn);
  turn.scrollIntoView({ block: "nearest" });
}

/** Take all turns away, and the note that may stand above them. */
export function empty() {
  turns.replaceChildren();
  part("note")?.remove();
}

export const isEmpty = () => !turns.firstChild;

/** Show that Lantern is writing until the work is done; say it too when it takes a while. */
export async function during(work) {
  waiting += 1;
  typing.hidden = false;
  typing.scrollIntoView({ block: "nearest" });
  const timer = setTimeout(() => announce(phrase("writing")), SOON_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    waiting -= 1;
    typing.hidden = waiting === 0;
  }
}
