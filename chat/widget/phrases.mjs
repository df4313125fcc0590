// What the scripts say by themselves: reviewed content, which the page hands over as data.

const phrases = JSON.parse(document.getElementById("phrases").textContent);

const SENTENCE = /^.*?[.!?\u061f\u06d4\u0964](?=\s|$)/s;

/** The first sentence of a text: all of it where no sentence ends. */
export const firstSentence = (text) => text.match(SENTENCE)?.[0] ?? text;

/** The phrase of this name, its fields in braces filled in. */
export function phrase(name, fields = {}) {
  return phrases[name].replace(/\{(\w+)\}/g, (_, field) => fields[field]);
}
