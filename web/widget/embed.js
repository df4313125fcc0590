// Lantern on a page of yours: one tag, before the end of the body.
//   <script src="https://…/widget/embed.js" data-audience="parent" data-area="wiltshire" defer></script>
// Both data attributes may be left out. The page never sees what is said in the chat.
(() => {
  "use strict";
  // The gateway writes this in at its start: the script runs on pages that could not hand it over.
  const given = "{{ given }}";
  const tag = document.currentScript;
  const home = new URL(tag.src).origin;
  const style = `
    :host { all: initial; color-scheme: light dark; }
    * { box-sizing: border-box; }
    button {
      position: fixed; right: 16px; bottom: 16px; z-index: 2147483001; min-height: 48px;
      padding: 10px 20px; border: 2px solid #fff; border-radius: 24px; background: #1d4e5f;
      color: #fff; font: 600 1rem/1.3 system-ui, sans-serif; cursor: pointer;
    }
    button:hover { background: #123845; }
    button:focus-visible { outline: 3px solid #ffbf47; outline-offset: 2px; box-shadow: 0 0 0 7px #241f31; }
    iframe {
      position: fixed; right: 16px; bottom: 80px; z-index: 2147483000; width: min(26rem, calc(100vw - 32px));
      height: min(42rem, calc(100vh - 96px)); border: 1px solid #6b6478; border-radius: 16px;
      background: #fffaf2; box-shadow: 0 8px 32px rgb(0 0 0 / 25%);
    }
    iframe[hidden] { display: none; }
    @media (max-width: 480px), (max-height: 480px) {
      iframe { inset: 0; width: 100%; height: 100%; border: solid #fffaf2; border-width: 0 0 64px; border-radius: 0; }
      button { bottom: 8px; right: 8px; }
    }
    @media (prefers-color-scheme: dark) { iframe { border-color: #1a1722; background: #1a1722; } }`;

  const place = document.createElement("div");
  const root = place.attachShadow({ mode: "open" });
  try {
    // A sheet made by script is allowed on pages whose policy forbids inline styles.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const element = document.createElement("style");
    element.textContent = style;
    root.append(element);
  }

  const button = document.createElement("button");
  button.type = "button";
  const frame = document.createElement("iframe");
  frame.title = given.open;
  frame.id = "lantern";
  frame.hidden = true;
  frame.referrerPolicy = "no-referrer";
  button.setAttribute("aria-controls", frame.id);
  root.append(button, frame);

  function open(yes) {
    if (yes && !frame.src) frame.src = chat();
    frame.hidden = !yes;
    button.textContent = yes ? given.close : given.open;
    button.setAttribute("aria-expanded", String(yes));
  }

  function chat() {
    const known = new URLSearchParams();
    for (const name of ["audience", "area"]) if (tag.dataset[name]) known.set(name, tag.dataset[name]);
    return `${home}/widget/#${known}`;
  }

  function leave() {
    document.title = "\u00a0";
    document.body.replaceChildren();
    document.body.style.background = "#fff";
    location.replace(given.elsewhere);
  }

  button.addEventListener("click", () => {
    open(frame.hidden);
    if (!frame.hidden) frame.focus();
  });
  frame.addEventListener("load", () => {
    if (frame.src) frame.contentWindow.postMessage({ lantern: "hello" }, home);
  });
  addEventListener("message", (event) => {
    if (event.origin !== home || event.source !== frame.contentWindow) return;
    if (event.data?.lantern === "leave") leave();
    if (event.data?.lantern === "close") {
      open(false);
      button.focus();
    }
  });

  // Shift three times, as in the chat itself, while it is open and the page has the keyboard.
  let presses = [];
  let alone = false;
  addEventListener("keydown", (event) => {
    alone = event.key === "Shift";
    if (!alone) presses = [];
    if (event.key === "Escape" && !frame.hidden) open(false);
  });
  addEventListener("keyup", (event) => {
    if (event.key !== "Shift" || !alone || frame.hidden) return;
    alone = false;
    presses = presses.filter((at) => event.timeStamp - at < 5000).concat(event.timeStamp);
    if (presses.length >= 3) leave();
  });

  open(false);
  document.body.append(place);
})();
