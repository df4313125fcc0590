// Learns of changes by server-sent events. A proxy may hold them back: the connection stays open, no error comes, and
// nothing arrives. Where no event comes in time, the page asks by itself from then on.

// The server says something as soon as the stream is open, and then every 15 seconds.
const FIRST_MS = 8_000;
const SILENT_MS = 40_000;
const SILENT_STREAMS = 2;
const POLL_MS = 5_000;

/**
 * `changed()` is called where something may have changed, and `ended()` where the session is over.
 * Returns a function that stops it.
 */
export function follow(address, { changed, ended }) {
  let source = null;
  let heard = false;
  let heardAt = 0;
  let silent = 0;

  const hear = () => {
    heard = true;
    heardAt = Date.now();
    silent = 0;
  };
  const stop = () => {
    clearInterval(timer);
    source?.close();
    source = null;
  };
  const listen = () => {
    heard = false;
    heardAt = Date.now();
    source = new EventSource(address);
    source.addEventListener("beat", hear);
    source.addEventListener("change", () => {
      hear();
      changed();
    });
    source.addEventListener("ended", () => {
      stop();
      ended();
    });
  };
  const isInTime = () =>
    source.readyState !== EventSource.CLOSED && Date.now() - heardAt < (heard ? SILENT_MS : FIRST_MS);
  const timer = setInterval(() => {
    if (source && isInTime()) return;
    // One stream that falls silent may have been cut off; one without a first word is held back.
    if (source) silent += heard ? 1 : SILENT_STREAMS;
    source?.close();
    source = null;
    changed();
    if (silent < SILENT_STREAMS) listen();
  }, POLL_MS);

  window.addEventListener("pagehide", stop);
  listen();
  return stop;
}
