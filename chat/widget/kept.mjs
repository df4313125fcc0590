// All that the browser keeps, so that a reload need not lose a conversation: its token, for a
// quarter of an hour, in the storage that goes with the tab. Never a word of it.

const NAME = "lantern";
const FOR_MS = 15 * 60 * 1000;

export function keep(token) {
  safely((store) => store.setItem(NAME, JSON.stringify({ token, at: Date.now() })));
}

/** The token that is kept, and whether it is young enough to carry on with; null without one. */
export function kept() {
  const found = safely((store) => JSON.parse(store.getItem(NAME)));
  return found && { token: String(found.token), fresh: Date.now() - found.at < FOR_MS };
}

export function forget() {
  safely((store) => store.removeItem(NAME));
}

function safely(use) {
  try {
    return use(sessionStorage);
  } catch {
    // Storage may be forbidden in a frame: then nothing outlives the page.
    return null;
  }
}
