// The worker of offline.mjs goes with the last page that it looks after. Each says when it goes.

export function sayWhenGone() {
  addEventListener("pagehide", () => navigator.serviceWorker?.controller?.postMessage("gone"));
}
