// Covers the page at once: by the button, by Escape, or after ten minutes without a key or a
// touch. What was typed stays. Without this script the button is a link to a blank page.
const IDLE_MS = 10 * 60 * 1000;
const cover = document.querySelector("[data-cover]");
const button = document.querySelector("[data-cover-button]");

if (cover && button) {
  let title = document.title;
  document.querySelector("[data-cover-key]").hidden = false;
  let idle;

  const hide = () => {
    document.title = "Page";
    if (!cover.open) cover.showModal();
  };
  // The list counts in the title, which a blank page must not show.
  document.addEventListener("lantern:title", (event) => {
    title = event.detail;
    if (!cover.open) document.title = title;
  });
  const wait = () => {
    clearTimeout(idle);
    idle = setTimeout(hide, IDLE_MS);
  };

  button.addEventListener("click", (event) => {
    event.preventDefault();
    hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    // Escape also closes a dialog: pressing it again must not uncover the page.
    event.preventDefault();
    hide();
  });
  cover.addEventListener("cancel", (event) => event.preventDefault());
  cover.querySelector("[data-cover-end]").addEventListener("click", () => {
    cover.close();
    document.title = title;
    wait();
  });
  for (const kind of ["keydown", "pointerdown", "scroll"]) {
    document.addEventListener(kind, wait, { passive: true });
  }
  wait();
}
