// Leaving fast: the page is covered, emptied and replaced, in this order.

import { tellHost } from "./host.mjs";

const ELSEWHERE = document.querySelector("[data-exit]").href;
const WITHIN_MS = 5000;
const PRESSES = 3;

/** Leave. `end` ends the conversation without waiting. */
export function leave(end) {
  document.title = "\u00a0";
  document.documentElement.classList.add("left");
  document.body.replaceChildren();
  end();
  if (window.top === window) {
    location.replace(ELSEWHERE);
    return;
  }
  // The embedding page replaces itself; when it does not, this frame asks the browser to.
  setTimeout(() => window.top.location.replace(ELSEWHERE), tellHost("leave") ? 700 : 0);
}

/** Call `go` when Shift is pressed three times by itself within five seconds. */
export function onThreeShifts(go, progress) {
  let presses = [];
  let alone = false;
  addEventListener("keydown", (event) => {
    if (event.key === "Shift") {
      alone = !event.repeat || alone;
      return;
    }
    // Shift held for a capital letter is typing, not leaving.
    alone = false;
    presses = [];
  });
  addEventListener("keyup", (event) => {
    if (event.key !== "Shift" || !alone) return;
    alone = false;
    presses = presses.filter((at) => event.timeStamp - at < WITHIN_MS).concat(event.timeStamp);
    if (presses.length >= PRESSES) go();
    else progress(PRESSES - presses.length);
  });
}
