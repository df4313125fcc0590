// What the scripts say by themselves: reviewed content, which the page hands over as data.

const phrases = JSON.parse(document.getElementById("phrases").textContent);

/** The phrase of this name, its fields in braces filled in. */
export function phrase(name, fields = {}) {
  return phrases[name].replace(/\{(\w+)\}/g, (_, field) => fields[field]);
}
