// From a message of the gateway to what is seen. Words go in as text only, never as HTML.

import { phrase } from "./phrases.mjs";

const SCHEMES = ["tel:", "sms:", "mailto:", "https:"];
const DATE = { day: "numeric", month: "long", year: "numeric" };

/** A list item that shows `message`; `press` is called with the choice of a pressed button. */
export function shown(message, press) {
  const item = make("li", `message message--${kindOf(message)}`);
  if (message.title) item.append(make("h2", "message__title", message.title));
  item.append(...paragraphs(message.text));
  if (message.steps?.length) {
    item.append(make("h3", "message__lead", phrase("steps")));
    item.append(listed("ol", "message__steps", message.steps));
  }
  for (const contact of message.contacts ?? []) item.append(card(contact));
  item.append(...provenance(message));
  if (message.choices?.length) item.append(buttons(message.choices, press));
  return item;
}

/** What the person wrote. */
export function written(text) {
  const item = make("li", "message message--own");
  item.append(make("span", "hidden-from-view", `${phrase("you")} `), ...paragraphs(text));
  return item;
}

/** All that a screen reader should say of a message. */
export function readAloud(message) {
  const ways = (message.contacts ?? []).flatMap((each) => [each.name, ...each.ways.map((way) => way.label)]);
  const choices = (message.choices ?? []).map((choice) => choice.label);
  if (choices.length) choices.unshift(phrase("you_can_choose"));
  return [message.title, message.text, ...(message.steps ?? []), ...ways, ...choices]
    .filter(Boolean)
    .join(" ");
}

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function kindOf(message) {
  if (message.kind === "help_card") return message.severity === "immediate" ? "help message--now" : "help";
  return ["answer", "contacts", "prompt"].includes(message.kind) ? message.kind : "text";
}

function paragraphs(text) {
  const parts = String(text ?? "").split(/\n{2,}/);
  return parts.filter((part) => part.trim()).map((part) => make("p", "", part.trim()));
}

function listed(tag, className, lines) {
  const list = make(tag, className);
  list.append(...lines.map((line) => make("li", "", line)));
  return list;
}

/** A service: its name, whether it is open, the first way to reach it; the rest is folded. */
function card(contact) {
  const element = make("div", "contact");
  const more = make("details", "contact__more");
  const name = make("summary", "contact__name", contact.name);
  if (contact.open_now !== null && contact.open_now !== undefined) {
    const open = contact.open_now ? "open" : "closed";
    name.append(" ", make("span", `contact__${open}`, phrase(open)));
  }
  const [first, ...others] = contact.ways;
  more.append(name, ...paragraphs(contact.what));
  if (contact.why) more.append(make("p", "contact__small", contact.why));
  if (others.length) {
    const ways = make("ul", "contact__ways");
    for (const way of others) {
      const item = make("li");
      item.append(link(way.href, way.label, "contact__way"));
      ways.append(item);
    }
    more.append(ways);
  }
  more.append(make("p", "contact__small", contact.hours));
  if (contact.note) more.append(make("p", "contact__small", contact.note));
  if (contact.checked_on) {
    more.append(make("p", "contact__small", phrase("contact_checked", { day: day(contact.checked_on) })));
  }
  element.append(more, ...(first ? [link(first.href, first.label, "contact__way")] : []));
  return element;
}

/** Where an answer comes from, when it was checked, and whether it has been signed. */
function provenance(message) {
  const parts = [];
  if (message.reviewed_on) {
    parts.push(make("p", "message__small", phrase("checked", { day: day(message.reviewed_on) })));
  }
  if (message.approved === false) {
    parts.push(make("p", "message__small", phrase("not_signed")));
  }
  if (message.sources?.length) {
    const details = make("details", "message__sources");
    const list = make("ul");
    for (const source of message.sources) {
      const item = make("li");
      const date = source.date ? `, ${source.date}` : "";
      item.append(`${source.publisher}${date}: `, link(source.url, source.title, ""));
      list.append(item);
    }
    details.append(make("summary", "", phrase("sources")), list);
    parts.push(details);
  }
  return parts;
}

function buttons(choices, press) {
  const group = make("div", "message__choices");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", phrase("choose_one"));
  for (const choice of choices) {
    const button = make("button", "button button--choice", choice.label);
    button.type = "button";
    button.addEventListener("click", () => press(choice));
    group.append(button);
  }
  return group;
}

/** A link when the address is one of the few kinds we allow; its words alone when it is not. */
function link(href, label, className) {
  const address = parsed(href);
  if (!SCHEMES.includes(address?.protocol)) return make("span", className, label);
  const element = make("a", className, label);
  element.href = address.href;
  element.rel = "noreferrer noopener nofollow";
  if (address.protocol === "https:") {
    element.target = "_blank";
    element.append(make("span", "hidden-from-view", ` ${phrase("new_tab")}`));
  }
  return element;
}

function parsed(href) {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}

function day(date) {
  const at = new Date(`${date}T12:00:00`);
  return Number.isNaN(at.getTime()) ? date : at.toLocaleDateString("en-GB", DATE);
}
