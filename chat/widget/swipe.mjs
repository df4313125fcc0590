// Leaving on a phone: two fingers swiped sideways. One finger scrolls and goes back, two that come
// together or part zoom; two that go the same way sideways mean nothing else in any browser.

const FAR = 70;
const WITHIN_MS = 1000;

/** Call `go` when two fingers are swiped sideways together. */
export function onTwoFingerSwipe(go) {
  let start = null;

  addEventListener("touchstart", (event) => {
    start = event.touches.length === 2 && { at: event.timeStamp, places: places(event) };
  });
  addEventListener("touchmove", (event) => {
    if (!start || event.touches.length !== 2 || event.timeStamp - start.at > WITHIN_MS) return;
    const ways = places(event).map(([x, y], finger) => [x - start.places[finger][0], y - start.places[finger][1]]);
    const sideways = ways.every(([x, y]) => Math.abs(x) > FAR && Math.abs(x) > 2 * Math.abs(y));
    if (!sideways || ways[0][0] * ways[1][0] < 0) return;
    start = null;
    go();
  });
}

const places = (event) => Array.from(event.touches, ({ screenX, screenY }) => [screenX, screenY]);
