// A service worker that knows one thing: where the chat's own page cannot be fetched, it shows help. It keeps nothing
// of the chat, and is gone soon after the last tab that it looks after. Why so little: docs/adr/0032-offline-help.md.

const HELP = "/widget/help.html";
const KEPT = [HELP, "/widget/page.css", "/widget/help.mjs"];
const SOON_MS = 3000;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open("help").then((cache) => cache.addAll(KEPT)));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const going = event.request.mode === "navigate";
  if (!going && !KEPT.includes(new URL(event.request.url).pathname)) return;
  event.respondWith(fetch(event.request).catch(() => caches.match(going ? HELP : event.request)));
});
// A page says that it is going. A reload is back by then.
addEventListener("message", (event) => event.waitUntil(goWithTheLast()));

async function goWithTheLast() {
  await new Promise((done) => setTimeout(done, SOON_MS));
  if ((await clients.matchAll()).length) return;
  await caches.delete("help");
  await registration.unregister();
}
