// The conversation with the gateway. It begins to be kept for a reload with the first message.

import { forget, keep, kept } from "./kept.mjs";

const WAIT_MS = 6000;
const CONVERSATIONS = "/v1/conversations";
const MESSAGES = "/v1/messages";

export class Talk {
  /** Whether anything was sent: there is something to lose. */
  said = false;
  #token = null;
  #beginning = null;
  #known;

  /** `known`: audience and area, where the embedding page has said them. */
  constructor(known) {
    this.#known = known;
  }

  /** Begin a conversation, one at a time; the opening messages. Throws when there is no answer. */
  begin() {
    const beginning = this.#beginning ?? this.#begin();
    this.#beginning = beginning;
    return beginning;
  }

  /**
   * Send a message: {id, text} or {id, choice}, and {live} where a person has the chat. The answer:
   * {messages, again, listen, live}; `again` is true when the same message should be sent once more.
   * Throws when there is no answer.
   */
  async send(message) {
    this.said = true;
    if (!this.#token) await this.begin();
    // Cleared while it began: it is not sent any more.
    if (!this.said) throw new Error();
    let { status, body } = await this.#say(message);
    if (status === 401) {
      this.#token = null;
      await this.begin();
      ({ status, body } = await this.#say(message));
    }
    return { ...body, messages: shownIn(body), again: status !== 200 };
  }

  /** Whether there is a conversation of this tab to carry on with. One too old is ended. */
  found(mayCarryOn) {
    const before = kept();
    if (!before) return false;
    this.#token = before.token;
    this.said = true;
    if (mayCarryOn && before.fresh) return true;
    this.end();
    return false;
  }

  /** The last answer of the conversation once more. Throws when there is no answer. */
  async last() {
    return shownIn(await this.read(CONVERSATIONS));
  }

  /** What the gateway says at an address about this conversation. Throws when there is no answer. */
  async read(path) {
    return (await ask("GET", path, this.#token)).body;
  }

  /** The response of an address that answers when there is something to tell. Throws without one. */
  listen(path, kind, signal) {
    const headers = { Accept: kind, Authorization: `Bearer ${this.#token}` };
    return fetch(path, { headers, cache: "no-store", credentials: "omit", signal });
  }

  /** End the conversation, here and on the server. Waits for nothing: the page may be going. */
  end() {
    forget();
    this.said = false;
    this.#beginning = null;
    if (!this.#token) return;
    const headers = { Authorization: `Bearer ${this.#token}` };
    this.#token = null;
    fetch(CONVERSATIONS, { method: "DELETE", headers, keepalive: true }).catch(() => {});
  }

  async #begin() {
    try {
      let { status, body } = await ask("POST", CONVERSATIONS, null, this.#known);
      // A slip in a site's tag must not keep the chat from anyone.
      if (status === 422) ({ status, body } = await ask("POST", CONVERSATIONS, null, {}));
      if (status === 201) this.#token = body.token;
      return shownIn(body);
    } finally {
      this.#beginning = null;
    }
  }

  #say(message) {
    if (this.#token) keep(this.#token);
    return ask("POST", MESSAGES, this.#token, message);
  }
}

async function ask(method, path, token, content) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), WAIT_MS);
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: content && JSON.stringify(content),
      cache: "no-store",
      credentials: "omit",
      signal: patience.signal,
    });
    return { status: response.status, body: await response.json() };
  } finally {
    clearTimeout(timer);
  }
}

/** The messages of an answer. Throws where it holds none. */
function shownIn({ messages }) {
  if (!messages) throw new Error();
  return messages;
}
