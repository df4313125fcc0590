// Fetches what a person writes, for as long as there is something to listen for. A stream of events
// is the fast way. A proxy may hold it back: where no byte comes in time, each answer is asked for
// by itself from then on, and the gateway waits with it until there is something to tell.

const PLACE = "/v1/live";
const SILENT_MS = 8000;
const POLL_S = 20;
const POLL_MS = 23000;
const FIRST_MS = 500;
// The longest pause after a failure: while a person has the chat, and otherwise.
const LONGEST_MS = { open: 1500, other: 15000 };
// A stream that fell silent was cut off, or is held back: after so many in a row it is taken for held back.
const SILENT_STREAMS = 2;
const OFFLINE_MS = 30000;
const SOON_MS = 1000;
const EVENTS = "text/event-stream";
// Asking again changes nothing there: the token is not valid any more, or the gateway knows no such place.
const OVER = [401, 403, 404];

export class Listener {
  #ask;
  #steps;
  #streams = true;
  #silent = 0;
  #stopped = false;
  #failed = 0;
  #rest = 0;
  #request = new AbortController();
  #life = new AbortController();
  #wake = () => {};
  #confirming = 0;

  /**
   * `ask(path, kind, signal)` fetches as the holder of the conversation. `steps`: `shown()` returns
   * what the page shows, as {after, state, typing, chat}; `hear(update)` gets each answer and returns whether
   * to listen on; `lost()` is called where the connection breaks, and `over()` at the end.
   */
  constructor(ask, steps) {
    this.#ask = ask;
    this.#steps = steps;
    const { signal } = this.#life;
    const wake = () => this.#wake();
    addEventListener("online", wake, { signal });
    // The connection is gone, whatever it still says. That is no fault of a proxy.
    addEventListener("offline", () => this.#request.abort(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || wake(), { signal });
    this.#run();
  }

  /** Stop for good. Nothing is heard after this. */
  stop() {
    this.#stopped = true;
    this.#life.abort();
    this.#request.abort();
    clearTimeout(this.#confirming);
    this.#wake();
  }

  async #run() {
    while (!this.#stopped) {
      const since = Date.now();
      const before = this.#after;
      try {
        await (this.#streams ? this.#stream() : this.#poll());
        this.#failed = 0;
        // An answer that comes at once and says nothing new must not be asked for in a circle.
        const idle = Date.now() - since < SOON_MS && this.#after === before;
        if (idle || this.#rest) await this.#pause(Math.max(SOON_MS, this.#rest));
      } catch (error) {
        if (this.#stopped) return;
        if (error instanceof Ended) {
          this.stop();
          this.#steps.over();
          return;
        }
        this.#steps.lost();
        const most = LONGEST_MS[this.#steps.shown().state] ?? LONGEST_MS.other;
        const longest = Math.min(most, FIRST_MS * 2 ** this.#failed);
        this.#failed += 1;
        // Not all pages come back in the same moment.
        await this.#pause(longest * (0.5 + Math.random() / 2));
      }
    }
  }

  async #poll() {
    const patience = this.#begin(POLL_MS);
    try {
      const response = await this.#fetch("application/json", POLL_S);
      this.#hear(await response.json());
    } finally {
      patience.end();
    }
  }

  async #stream() {
    let heard = false;
    const patience = this.#begin(SILENT_MS, () => {
      this.#silent += 1;
      if (!heard || this.#silent >= SILENT_STREAMS) this.#streams = false;
    });
    try {
      const response = await this.#fetch(EVENTS, POLL_S);
      if (!response.headers.get("Content-Type")?.startsWith(EVENTS)) {
        this.#streams = false;
        this.#hear(await response.json());
        return;
      }
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        heard = true;
        patience.again();
        const events = (rest + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n").split("\n\n");
        rest = events.pop();
        for (const event of events) this.#event(event);
      }
      // A stream that ends without a byte is no stream.
      if (!heard) this.#streams = false;
      this.#silent = 0;
    } finally {
      patience.end();
    }
  }

  #event(event) {
    const lines = event.split("\n").filter((line) => line.startsWith("data:"));
    if (!lines.length) return;
    const update = JSON.parse(lines.map((line) => line.slice(5)).join("\n"));
    this.#hear(update);
    if (!update.messages?.length || this.#confirming || this.#stopped) return;
    // The stream itself says nothing back.
    this.#confirming = setTimeout(() => {
      this.#confirming = 0;
      this.#confirm();
    }, SOON_MS);
  }

  /** Tell what was shown: the gateway deletes those words, and whoever wrote them sees that they came. */
  #confirm() {
    this.#ask(this.#path(0), "application/json").catch(() => {});
  }

  get #after() {
    return this.#steps.shown().after;
  }

  async #fetch(kind, wait) {
    const response = await this.#ask(this.#path(wait), kind, this.#request.signal);
    if (OVER.includes(response.status)) throw new Ended();
    if (!response.ok) throw new Error();
    return response;
  }

  #path(wait) {
    const { after, state, typing, chat } = this.#steps.shown();
    return `${PLACE}?${new URLSearchParams({ after, state, chat: chat ?? "", typing: Number(typing), wait })}`;
  }

  #hear(update) {
    // What was asked for before it was stopped may still come.
    if (this.#stopped) return;
    // In seconds, where too many listen.
    this.#rest = (update.pause ?? 0) * 1000;
    if (this.#steps.hear(update)) return;
    this.#confirm();
    this.stop();
  }

  /** Begin a request that is given up where nothing comes for `ms`: `late` is then called first. */
  #begin(ms, late) {
    const request = new AbortController();
    this.#request = request;
    let timer;
    let due;
    const again = () => {
      clearTimeout(timer);
      due = Date.now() + ms;
      timer = setTimeout(() => {
        // A computer that slept wakes up late: then it says nothing about the way.
        if (Date.now() - due < ms) late?.();
        request.abort();
      }, ms);
    };
    again();
    return { again, end: () => clearTimeout(timer) };
  }

  /** Wait so long; offline, until the connection is back. A page that is seen again waits no longer. */
  async #pause(ms) {
    let timer;
    await new Promise((done) => {
      this.#wake = done;
      if (this.#stopped) done();
      timer = setTimeout(done, navigator.onLine ? ms : OFFLINE_MS);
    });
    clearTimeout(timer);
    this.#wake = () => {};
  }
}

class Ended extends Error {}
