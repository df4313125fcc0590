// Elements of the page. Words go in as text only, never as HTML.

import { phrase } from "./phrases.mjs";

// Between letters from right to left the parts of "0800 1111" would change places.
const RIGHT_TO_LEFT = /[\u0590-\u08ff]/;
const NUMBER = /\d[\d ]*\d/g;
const SCHEMES = ["tel:", "sms:", "mailto:", "https:"];

export const part = (name) => document.querySelector(`[data-${name}]`);

export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter(Boolean));
  return element;
}

export function button(label, className, press) {
  const element = make("button", `button ${className}`, label);
  element.type = "button";
  element.addEventListener("click", () => press(element));
  return element;
}

/** A paragraph for each part of the text, in the direction of its own script. */
export function paragraphs(text, className) {
  const parts = text.split(/\n{2,}/);
  return parts.filter((each) => each.trim()).map((each) => {
    const text = each.trim();
    const element = make("p", className, RIGHT_TO_LEFT.test(text) ? text.replace(NUMBER, "\u2066$&\u2069") : text);
    element.dir = "auto";
    return element;
  });
}

export function listed(tag, className, lines) {
  return make(tag, className, ...lines.map((line) => make("li", "", line)));
}

/** A link when the address is one of the few kinds we allow; its words alone when it is not. */
export function link(href, label, className) {
  const element = make("a", className, label);
  if (href) element.href = href;
  if (!SCHEMES.includes(element.protocol)) return make("span", className, label);
  element.rel = "noreferrer nofollow";
  if (element.protocol === "https:") {
    element.target = "_blank";
    element.append(make("span", "hidden-from-view", ` ${phrase("new_tab")}`));
  }
  return element;
}
