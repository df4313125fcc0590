// A person in the chat: who it is, what they write, whether they are typing, and how to stop. It is
// loaded when the gateway says that there is something to listen for. ADR 58.

import { button, link, make, part } from "./dom.mjs";
import { Listener } from "./listen.mjs";
import { firstSentence, phrase } from "./phrases.mjs";

// Longer than the gateway takes to say again that they are typing: without news it ends by itself.
const TYPING_MS = 25000;
const place = part("person");
const danger = part("danger");

export class Live {
  /** The live chat that the gateway told of, for the next message; null without one. */
  chat = null;
  #page;
  #listener = null;
  #state = "none";
  #person = null;
  #line = "";
  #typing = false;
  #timer;
  // Up to where the page has shown all, as the gateway said; and what it has shown.
  #after = "";
  #seen = new Set();

  /**
   * `page`: `ask(path, kind, signal)` fetches; `put(messages)` shows a turn of one speaker; `press(choice, button)`
   * presses a button.
   */
  constructor(page) {
    this.#page = page;
  }

  /** Whether a person has the chat: Lantern says nothing by itself. */
  get isOpen() {
    return this.#state === "open";
  }

  /** Listen, unless it does so already. */
  start() {
    this.#listener ??= new Listener(this.#page.ask, {
      shown: () => ({ after: this.#after, state: this.#state, typing: this.#typing, chat: this.chat }),
      hear: (update) => this.#hear(update),
      lost: () => this.#types(false),
      over: () => this.stop(),
    });
  }

  /** Stop listening, and forget who it was. */
  stop() {
    this.#listener?.stop();
    this.#listener = null;
    this.#after = "";
    this.#seen.clear();
    this.note({ state: "none" });
  }

  /** Note what the gateway says about the live chat. */
  note({ state = this.#state, chat = null, person = null, choices = [] }) {
    this.chat = chat;
    // A line that stays the same is left alone: the focus may be on its button.
    const line = JSON.stringify([state, person, choices]);
    if (line === this.#line) return;
    this.#line = line;
    this.#state = state;
    this.#person = person;
    this.#types(false);
    fill(place, [this.#who(), ...choices.map((each) => this.#button(each))]);
    if (!this.isOpen) fill(danger, []);
  }

  /** Keep the first words of a card for danger in sight above the conversation, where others write below it. */
  warn(messages) {
    const card = messages.find(({ kind, severity }) => kind === "help_card" && severity === "immediate");
    if (!card || !this.isOpen) return;
    const way = card.contacts?.[0]?.ways[0];
    fill(danger, [
      make("p", "", make("strong", "", firstSentence(card.text))),
      way && link(way.href, way.label, "contact__way"),
      button(phrase("hide"), "button--choice", () => fill(danger, [])),
    ]);
  }

  #hear(update) {
    const { messages = [], typing = false, listen = false, state } = update;
    this.note(update);
    this.#after = update.cursor ?? this.#after;
    const added = messages.filter((each) => this.#isNew(each));
    for (const turn of turns(added)) this.#page.put(turn);
    // A danger that is heard late comes this way, and not as an answer.
    this.warn(added);
    // Who has just written is not typing, unless the gateway says so again.
    this.#types(Boolean(typing) && this.isOpen);
    if (listen || state !== "none") return true;
    this.#listener = null;
    return false;
  }

  #isNew({ number, notice }) {
    const id = number === undefined ? notice !== undefined && `notice ${notice}` : `number ${number}`;
    if (id && this.#seen.has(id)) return false;
    if (id) this.#seen.add(id);
    return true;
  }

  /** Who is there, or is waited for; nothing where no one is. */
  #who() {
    if (this.#state === "asked") return make("p", "person__who", make("strong", "", phrase("waiting")));
    if (!this.#person) return null;
    const { name, role } = this.#person;
    const says = this.isOpen ? phrase("talking_to", { name }) : phrase("could_talk", { name });
    const typing = make("span", "person__typing");
    return make("p", "person__who", make("strong", "", says), " ", make("span", "", role), " ", this.isOpen && typing);
  }

  #button(choice) {
    return button(choice.label, "button--choice", (pressed) => this.#page.press(choice, pressed));
  }

  #types(is) {
    clearTimeout(this.#timer);
    this.#typing = is;
    const words = place.querySelector(".person__typing");
    if (words) words.textContent = is ? phrase("is_typing", { name: this.#person.name }) : "";
    if (is) this.#timer = setTimeout(() => this.#types(false), TYPING_MS);
  }
}

function fill(strip, parts) {
  strip.replaceChildren(...parts.filter(Boolean));
  strip.hidden = !strip.firstChild;
}

/** The messages in order, those of one speaker together. */
function turns(messages) {
  const found = [];
  for (const each of messages) {
    const last = found.at(-1);
    if (last && speaker(last[0]) === speaker(each)) last.push(each);
    else found.push([each]);
  }
  return found;
}

const speaker = ({ by, name }) => by === "person" && name;
