// Leaving on a phone: two fingers swiped sideways. One finger scrolls and goes back, two that come
// together or part zoom; two that go the same way sideways mean nothing else in any browser.

const FAR = 70;
const APART = 50;
const WITHIN_MS = 1000;

/** Call `go` when two fingers are swiped sideways together. */
export function onTwoFingerSwipe(go) {
  let start = null;

  addEventListener("touchstart", (event) => {
    start = event.touches.length === 2 ? { at: event.timeStamp, places: places(event) } : null;
  }, { passive: true });
  addEventListener("touchmove", (event) => {
    if (!start || event.touches.length !== 2 || event.timeStamp - start.at > WITHIN_MS) return;
    const [one, two] = places(event).map(([x, y], finger) => {
      const [x0, y0] = start.places[finger];
      return { x: x - x0, y: y - y0 };
    });
    const sideways = [one, two].every(({ x, y }) => Math.abs(x) > FAR && Math.abs(x) > 2 * Math.abs(y));
    if (!sideways || Math.hypot(one.x - two.x, one.y - two.y) > APART) return;
    start = null;
    go();
  }, { passive: true });
}

const places = (event) => Array.from(event.touches, ({ screenX, screenY }) => [screenX, screenY]);
