// Colours that a site chooses, made readable. Contrast as WCAG 2 computes it; a colour is [red, green, blue].

export const BLACK = [0, 0, 0];
export const WHITE = [255, 255, 255];

/** The colour of "#005ea5", "005ea5" or "#05a"; null for anything else. */
export function colour(text) {
  const [, short, long] = /^#?(?:([\da-f]{3})|([\da-f]{6}))$/i.exec(String(text).trim()) ?? [];
  const digits = long ?? short?.replace(/./g, "$&$&");
  return digits ? digits.match(/../g).map((pair) => parseInt(pair, 16)) : null;
}

/** How a style sheet writes a colour. */
export const css = (rgb) => `rgb(${rgb})`;

function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Black or white, whichever is easier to read on `rgb`: one of them always has 4.5 to 1. */
export const inkOn = (rgb) => (contrast(rgb, BLACK) > contrast(rgb, WHITE) ? BLACK : WHITE);
