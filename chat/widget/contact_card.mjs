// A service: its name, whether it is open, the first way to reach it; the rest is folded.

import { link, listed, make, paragraphs } from "./dom.mjs";
import { phrase } from "./phrases.mjs";

const DATE = { dateStyle: "long" };

export function contactCard(contact) {
  const [first, ...others] = contact.ways;
  const small = (text) => text && make("p", "contact__small", text);
  const more = make(
    "details",
    "contact__more",
    make("summary", "", phrase("more"), hidden(` ${phrase("about", { name: contact.name })}`)),
    ...paragraphs(contact.what),
    small(contact.why),
    others.length && listed("ul", "contact__ways", others.map(way)),
    small(contact.hours),
    small(contact.note),
    small(contact.checked_on && phrase("contact_checked", { day: day(contact.checked_on) })),
  );
  return make(
    "div",
    "contact",
    make("div", "contact__head", make("h3", "contact__name", contact.name), openness(contact)),
    first && way(first),
    more,
  );
}

/** A date as people write it: 25 November 2026. */
export const day = (date) => new Date(`${date}T12:00:00`).toLocaleDateString("en-GB", DATE);

function openness({ open_now: open, opens_at: opens }) {
  if (open) return make("p", "contact__open", phrase("open"));
  return open === false && make("p", "contact__closed", opens ?? phrase("closed"));
}

const way = ({ href, label }) => link(href, label, "contact__way");
const hidden = (text) => make("span", "hidden-from-view", text);
