// The world of test_listen.py: a clock that the test moves, a connection, and a gateway that behaves as told.
// The test puts MODULE in, and a script behind it.

let now = 0;
let ids = 0;
const timers = new Map();
globalThis.setTimeout = (call, ms = 0, ...rest) => {
    timers.set((ids += 1), { at: now + ms, call: () => call(...rest) });
    return ids;
};
globalThis.clearTimeout = (id) => timers.delete(id);
Date.now = () => now;
async function settled() {
    for (let i = 0; i < 30; i += 1) await new Promise((done) => setImmediate(done));
}
async function pass(ms) {
    const end = now + ms;
    for (;;) {
        await settled();
        const [next] = [...timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at);
        if (!next) break;
        timers.delete(next[0]);
        now = next[1].at;
        next[1].call();
    }
    now = end;
    await settled();
}
const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
const connection = { onLine: true };
Object.defineProperty(globalThis, "navigator", { value: connection, configurable: true });

const never = (signal) => new Promise((_, fail) => signal?.addEventListener("abort", () => fail(new Error())));
const later = (ms) => new Promise((done) => setTimeout(done, ms));
async function json(content, signal, ms = 0, status = 200) {
    await Promise.race([later(ms), never(signal)]);
    return new Response(JSON.stringify(content), { status, headers: { "Content-Type": "application/json" } });
}
/** A stream of [ms, text], each so long after the one before. It ends with null, or stays open. */
function stream(signal, ...parts) {
    const encoder = new TextEncoder();
    const body = new ReadableStream({
        async start(controller) {
            signal.addEventListener("abort", () => controller.error(new Error()));
            for (const [ms, text] of parts) {
                await later(ms);
                if (signal.aborted) return;
                if (text === null) controller.close();
                else controller.enqueue(encoder.encode(text));
            }
        },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });
}
const still = (count) => Array.from({ length: count }, () => [5000, ": still\n\n"]);
const isStream = (kind) => kind === "text/event-stream";
const event = (update) => `data: ${JSON.stringify(update)}\n\n`;

const asked = [];
const heard = [];
let lost = 0;
let over = 0;
let shown = { after: "", state: "open", typing: false };
let behave = (_path, _kind, signal) => never(signal);
const { Listener } = await import(MODULE);
const start = () => new Listener(
    (path, kind, signal) => {
        const query = Object.fromEntries(new URLSearchParams(path.split("?")[1]));
        asked.push({ at: now, events: isStream(kind), ...query });
        return Promise.resolve(behave(query, kind, signal));
    },
    {
        shown: () => shown,
        hear: (update) => {
            heard.push([now, update.cursor]);
            shown = { ...shown, after: update.cursor ?? shown.after, state: update.state ?? shown.state };
            return update.listen !== false;
        },
        lost: () => { lost += 1; },
        over: () => { over += 1; },
    },
);
