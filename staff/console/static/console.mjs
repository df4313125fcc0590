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

// "Now" beside a time fills it in here; without this script the form comes back with it.
for (const button of document.querySelectorAll("[data-now]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const time = new Date().toLocaleString("sv-SE", { timeZone: "Europe/London" });
    const field = document.getElementById(button.dataset.now);
    field.value = time.slice(0, 16).replace(" ", "T");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

// On the page that is made for paper.
const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  document.querySelector("[data-print-how]").hidden = true;
  print.addEventListener("click", () => window.print());
}
