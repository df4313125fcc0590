// The static help page: it can be left like the chat, without a way back to it.

import { sayWhenGone } from "./goodbye.mjs";

const exit = document.querySelector("[data-exit]");

exit.addEventListener("click", (event) => {
  event.preventDefault();
  document.title = "\u00a0";
  document.body.replaceChildren();
  location.replace(exit.href);
});
sayWhenGone();
