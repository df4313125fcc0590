// The colour of the site that embeds the chat, where it has one. Help and the exit keep their own.

import { BLACK, colour, contrast, css, inkOn, WHITE } from "./colour.mjs";

const ENOUGH = 4.5;
const GROUNDS = ["--page", "--raised", "--own", "--help", "--now"];

/** Wear the colour that the address names, in a shade that is readable wherever it stands, light and dark. */
export function wearColour() {
  const root = document.documentElement;
  const chosen = colour(new URLSearchParams(location.hash.slice(1)).get("color"));
  if (!chosen) return;

  function paint() {
    const look = getComputedStyle(root);
    const grounds = GROUNDS.map((name) => colour(look.getPropertyValue(name))).filter(Boolean);
    const accent = readable(chosen, grounds);
    for (const name of ["--action", "--link"]) root.style.setProperty(name, css(accent));
    root.style.setProperty("--on-action", css(inkOn(accent)));
  }

  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

/** `rgb`, or the shade of it nearest to it that is readable on each of the grounds. */
export function readable(rgb, grounds) {
  for (let step = 0; step <= 50; step += 1) {
    for (const end of [BLACK, WHITE]) {
      const shade = rgb.map((part, at) => Math.round(part + ((end[at] - part) * step) / 50));
      if (grounds.every((ground) => contrast(shade, ground) >= ENOUGH)) return shade;
    }
  }
  return inkOn(grounds[0]);
}
