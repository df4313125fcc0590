// The page that embeds the chat, if one does. It says hello, so that we know its exact origin; the
// frame-ancestors policy decides who can be that page. It never hears what is said here.

export const framed = window.parent !== window;
let origin = null;

/** Call what the page says: `hello` when it makes itself known, `closed` the chat, will `leave`. */
export function listenToHost(steps) {
  addEventListener("message", ({ source, origin: from, data }) => {
    if (!framed || source !== window.parent) return;
    const said = data?.lantern;
    if (said === "hello") origin = from;
    if (from === origin && Object.hasOwn(steps, said)) steps[said]();
  });
}

/** Tell the page that the chat is "ready", has "news", should "close" or "leave". False where there is none. */
export function tellHost(what) {
  if (origin) window.parent.postMessage({ lantern: what }, origin);
  return Boolean(origin);
}

/** Call `call` once, when the chat is next on the screen. */
export function whenSeen(call) {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.at(-1).isIntersecting) return;
    watch.disconnect();
    call();
  });
  watch.observe(document.documentElement);
}
