// Single keys for the list of cases. They can be switched off, as WCAG 2.1.4 asks.
const OFF = "lantern-keys-off";
const help = document.querySelector("[data-keys-help]");
// Not the cases of a burst that is shut: they cannot have the focus.
const isShown = (link) => link.matches("summary") || !link.closest("details:not([open])");
const links = () => [...document.querySelectorAll("[data-queue-link]")].filter(isShown);

if (help) {
  const opener = document.querySelector("[data-keys-open]");
  const choice = help.querySelector("[data-keys-on]");
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
  help.querySelector("[data-keys-close]").addEventListener("click", () => help.close());
  choice.checked = localStorage.getItem(OFF) === null;
  choice.addEventListener("change", () => {
    if (choice.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });

  const move = (by) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
    all[Math.max(0, Math.min(next, all.length - 1))]?.focus();
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    // The arrows scroll the page as ever, until a case has the focus.
    const arrow = event.key.startsWith("Arrow") && event.target.matches("[data-queue-link]");
    const letter = choice.checked && ["j", "k", "?"].includes(event.key);
    if (!arrow && !letter) return;
    const by = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) move(by);
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  });
}
