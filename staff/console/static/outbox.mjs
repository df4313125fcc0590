// What is to be sent, in its order, one after the other. A message keeps its number until the server
// has said that it has it: sent again after a lost answer, it is the same message.
const FIRST_MS = 500;
const LONGEST_MS = 1_500;

export function fresh() {
  // Not randomUUID: it is missing where the console is served without TLS.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  #items = [];
  #sending = false;
  #timer;
  #pause = FIRST_MS;
  #page;

  constructor(page) {
    this.#page = page;
  }

  get waits() {
    return this.#items.length > 0;
  }

  add(item) {
    this.#items.push(item);
    this.#page.show(item);
    this.#flush();
  }

  // There is a connection: do not wait any longer.
  now() {
    this.#pause = FIRST_MS;
    this.#flush();
  }

  // Returns what was not sent, because it cannot be any more.
  giveBack() {
    clearTimeout(this.#timer);
    const words = this.#items.map(({ text }) => text).join("\n\n");
    for (const { line } of this.#items) line.remove();
    this.#items = [];
    return words;
  }

  async #flush() {
    if (this.#sending || !this.#items.length || !this.#page.mayTry()) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    const item = this.#items[0];
    let refusal = null;
    try {
      const response = await this.#page.send(item);
      if (response.status === 400 || response.status === 409) refusal = await response.json();
      else if (!response.ok) throw new Error(`${response.status}`);
      this.#pause = FIRST_MS;
      if (this.#items[0] === item) this.#items.shift();
    } catch (error) {
      this.#sending = false;
      if (this.#page.isSignedOut(error)) this.#page.signedOut();
      else this.#page.wait(item);
      this.#timer = setTimeout(() => this.#flush(), this.#pause);
      this.#pause = Math.min(2 * this.#pause, LONGEST_MS);
      return;
    }
    this.#sending = false;
    if (refusal) this.#page.refused(item, refusal);
    else this.#page.done(item);
    this.#flush();
  }
}
