// Adds comfort to the pages; every page works without this script.
import { initAll } from "./govuk/govuk-frontend.min.js";

const ALIVE_MS = 5 * 60 * 1000;

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// Whoever is writing a long note is not away: keep the session alive while keys are pressed.
let last = Date.now();
document.querySelector("[data-keep-signed-in]")?.addEventListener("input", () => {
  if (Date.now() - last < ALIVE_MS) return;
  last = Date.now();
  fetch("/alive", { redirect: "manual", cache: "no-store" });
});
