// What a screen reader is told: the gist, once. It is taken away again, so that whoever reads the
// page from its top does not meet it a second time.

import { part } from "./dom.mjs";
import { firstSentence, phrase } from "./phrases.mjs";

const STAYS_MS = 10000;
const place = part("announcer");
let timer;

export function announce(text) {
  clearTimeout(timer);
  place.textContent = text;
  timer = setTimeout(() => place.replaceChildren(), STAYS_MS);
}

/** The first sentence of a turn, and what else it holds: it can be read at one's own pace. */
export function gist(messages) {
  const spoken = messages.filter((each) => each.kind !== "notice");
  const [first] = spoken;
  // What a person writes is told whole: it is short, and a talk.
  if (first?.by) return [phrase("person_says", { name: first.name }), ...spoken.map(({ text }) => text)].join(" ");
  const parts = [phrase("lantern_says"), first?.title, firstSentence(first?.text ?? "")];
  const help = spoken.some((each) => each.kind === "help_card");
  const more = spoken.length - 1;
  const choices = spoken.flatMap((each) => each.choices ?? []).filter((each) => !each.more).length;
  if (help) parts.push(phrase("help_below"));
  if (more) parts.push(phrase("more_below", { count: more }));
  if (choices) parts.push(phrase("choices_below", { count: choices }));
  return parts.filter(Boolean).join(" ");
}
