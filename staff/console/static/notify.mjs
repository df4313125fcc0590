// Shows alerts that came to the reader as notifications of the browser, while a list or a case is open.
// They hold how serious it is and a reference. Without this script, or where it is not allowed, alerts come by email.
const SEEN = "lantern-alert";
const asking = document.querySelector("[data-notify]");

function show({ id, title, body, href }) {
  // The same tag: a page in another tab takes the place of this one's.
  const shown = new Notification(title, { body, tag: `lantern-alert-${id}`, requireInteraction: true });
  shown.addEventListener("click", () => {
    window.focus();
    window.location.assign(href);
    shown.close();
  });
}

async function look() {
  const response = await fetch("/live/alerts", { cache: "no-store", redirect: "manual" });
  if (!response.ok) return;
  const { alerts } = await response.json();
  const seen = Number(sessionStorage.getItem(SEEN) ?? 0);
  alerts.filter(({ id }) => id > seen).forEach(show);
  const newest = Math.max(seen, ...alerts.map(({ id }) => id));
  sessionStorage.setItem(SEEN, String(newest));
}

if ("Notification" in window) {
  if (Notification.permission === "granted" && document.querySelector("[data-live-said]")) {
    let busy = look().catch(() => {});
    document.addEventListener("lantern:change", () => {
      busy = busy.then(look).catch(() => {});
    });
  }
  if (asking && Notification.permission === "default") {
    asking.hidden = false;
    asking.querySelector("[data-notify-ask]").addEventListener("click", async () => {
      await Notification.requestPermission();
      asking.hidden = true;
    });
  }
}
