// The conversation with the gateway. The token lives in this object and nowhere else: it is gone
// with the tab, and never in localStorage, sessionStorage, a cookie or an address.

const WAIT_MS = 6000;

export class Talk {
  #token = null;
  #known;

  /** `known`: audience and area, where the embedding page has said them. */
  constructor(known) {
    this.#known = known;
  }

  /** Begin a conversation; the opening messages. Throws when there is no answer. */
  async begin() {
    let { status, body } = await ask("POST", "/v1/conversations", null, this.#known);
    // A slip in a site's tag must not keep the chat from anyone.
    if (status === 422) ({ status, body } = await ask("POST", "/v1/conversations", null, {}));
    if (status === 201) this.#token = body.token;
    return body.messages ?? failed();
  }

  /**
   * Send a message: {id, text} or {id, choice}. The answer: {messages, again}; `again` is true when
   * the same message should be sent once more. Throws when there is no answer.
   */
  async send(message) {
    if (!this.#token) await this.begin();
    let { status, body } = await ask("POST", "/v1/messages", this.#token, message);
    if (status === 401) {
      this.#token = null;
      await this.begin();
      ({ status, body } = await ask("POST", "/v1/messages", this.#token, message));
    }
    return { messages: body.messages ?? failed(), again: status !== 200 };
  }

  /** End the conversation. Waits for nothing: it is called while the page goes away. */
  end() {
    if (!this.#token) return;
    const headers = { Authorization: `Bearer ${this.#token}` };
    this.#token = null;
    fetch("/v1/conversations", { method: "DELETE", headers, keepalive: true }).catch(() => {});
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
      body: JSON.stringify(content),
      cache: "no-store",
      credentials: "omit",
      signal: patience.signal,
    });
    return { status: response.status, body: await response.json() };
  } finally {
    clearTimeout(timer);
  }
}

function failed() {
  throw new Error("no answer");
}
