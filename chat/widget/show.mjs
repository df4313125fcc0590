// From messages of the gateway to what is seen: each turn an item, a message in short bubbles.

import { contactCard, day } from "./contact_card.mjs";
import { button, link, listed, make, paragraphs } from "./dom.mjs";
import { firstSentence, phrase } from "./phrases.mjs";

/** What Lantern or a person says in one turn; `press` is called with a pressed choice and its button. */
export function said(messages, press) {
  const [{ by, name }] = messages;
  const speaker = by
    ? make("h2", "turn__name turn__person", phrase("person_says", { name }))
    : make("h2", "turn__name hidden-from-view", phrase("lantern_says"));
  speaker.tabIndex = -1;
  return make("li", by ? "turn turn--person" : "turn", speaker, ...messages.map((each) => shown(each, press)));
}

/** What the person wrote. */
export function written(text) {
  const you = make("span", "hidden-from-view", `${phrase("you")} `);
  const bubble = make("div", "bubble", you, ...paragraphs(text));
  return make("li", "turn turn--own", bubble);
}

function shown(message, press) {
  const { title, steps, contacts = [], choices = [] } = message;
  const card = message.kind === "help_card";
  const words = paragraphs(message.text, card ? "" : message.kind === "notice" ? "notice" : "bubble");
  if (card && words[0]) lead(words[0]);
  // A screen reader changes its voice.
  if (message.lang) for (const each of words) each.lang = message.lang;
  const now = card && message.severity === "immediate" ? " message--now" : "";
  return make(
    "div",
    card ? `message message--help${now}` : "message",
    title && make("h3", "message__title", title),
    ...words,
    steps?.length && make("div", card ? "" : "bubble", ...toDo(steps, title)),
    ...contacts.map(contactCard),
    provenance(message),
    choices.length && buttons(choices, press),
  );
}

/** The first sentence of a help card is what somebody takes in who takes in no more. */
function lead(paragraph) {
  const text = paragraph.textContent;
  const first = firstSentence(text);
  paragraph.replaceChildren(make("strong", "message__first", first), text.slice(first.length));
}

function toDo(steps, title) {
  return [make(title ? "h4" : "h3", "message__lead", phrase("steps")), listed("ol", "message__steps", steps)];
}

/** Where an answer comes from, when it was checked, and whether it has been signed: folded. */
function provenance({ sources = [], reviewed_on: reviewed, approved }) {
  if (!sources.length && !reviewed && approved !== false) return null;
  const list = sources.map(({ publisher, date, url, title }) => {
    return make("span", "", publisher, date && `, ${date}`, ": ", link(url, title));
  });
  return make(
    "details",
    "message__sources",
    make("summary", "", phrase("sources")),
    list.length && listed("ul", "", list),
    reviewed && make("p", "", phrase("checked", { day: day(reviewed) })),
    approved === false && make("p", "", phrase("not_signed")),
  );
}

/** The buttons; further ways to get help are folded into one behind the others. */
function buttons(choices, press) {
  const made = (each) => button(each.label, "button--choice", (pressed) => press(each, pressed));
  const further = choices.filter(({ more }) => more).map(made);
  const group = make(
    "div",
    "message__choices",
    ...choices.filter(({ more }) => !more).map(made),
    further.length && make("details", "more", make("summary", "", phrase("more_ways")), ...further),
  );
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", phrase("choose_one"));
  return group;
}
