// Help for a reload that reaches nobody, in a tab of its own: docs/adr/0032-offline-help.md.

const PLACE = "/chat";

/** Keep the static help within reach of this tab. Called with the first message: till then nothing is left behind. */
export function keepHelp() {
  if (!location.pathname.startsWith(PLACE)) return;
  // Without a worker (plain HTTP, a private window) a reload shows the browser's own page.
  navigator.serviceWorker?.register("/widget/help_worker.mjs", { scope: PLACE }).catch(() => {});
}
