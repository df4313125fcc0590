// Adds comfort to the pages; every page works without this script.
import { initAll } from "./govuk/govuk-frontend.min.js";
import "./keys.mjs";
import "./live.mjs";

const ALIVE_MS = 5 * 60 * 1000;

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// Whoever is writing a long note is not away: keep the session alive while keys are pressed.
let last = Date.now();
// And of several forms on a page, what stands in the others must not go with the one that is sent.
const written = new Set();
let leaving = false;
for (const form of document.querySelectorAll("[data-keep-signed-in]")) {
  form.addEventListener("input", () => {
    written.add(form);
    if (Date.now() - last < ALIVE_MS) return;
    last = Date.now();
    fetch("/alive", { redirect: "manual", cache: "no-store" });
  });
}
document.addEventListener("submit", (event) => {
  written.delete(event.target);
  leaving = event.target.matches("[data-sign-out]");
});
window.addEventListener("beforeunload", (event) => {
  if (written.size && !leaving) event.preventDefault();
});

// A link to a folded form opens it.
const unfold = () => {
  const place = location.hash && document.getElementById(location.hash.slice(1));
  const folded = place && (place.closest("details") ?? place);
  if (folded?.tagName === "DETAILS") folded.open = true;
};
window.addEventListener("hashchange", unfold);
unfold();
