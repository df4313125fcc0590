// Nothing done for a while: a gentle word after five minutes, and on a screen that somebody may have
// left, the end of the conversation after 27, with two minutes' warning.

const MINUTE = 60 * 1000;
const CHECK = 5 * MINUTE;
const WARN = 25 * MINUTE;
const END = 27 * MINUTE;
const SIGNS = ["click", "keydown", "input", "wheel", "touchmove"];

/** Call `check` and `warn` when it is time, `carryOn` when there is a sign of life after that, `end`. */
export function watchQuiet(steps) {
  const plan = [[CHECK, steps.check], [WARN, steps.warn], [END, steps.end]];
  let since = Date.now();
  let done = 0;
  let timer;

  function wait() {
    clearTimeout(timer);
    if (done < plan.length) timer = setTimeout(look, plan[done][0] - (Date.now() - since));
  }

  function look() {
    const quiet = Date.now() - since;
    // A computer that slept wakes up late: whoever sits there now need not be who wrote.
    if (quiet >= END) done = plan.length - 1;
    if (quiet >= plan[done][0]) {
      plan[done][1]();
      done += 1;
    }
    wait();
  }

  function alive() {
    since = Date.now();
    if (!done) return;
    if (done === 2) steps.carryOn();
    done = 0;
    wait();
  }

  for (const sign of SIGNS) addEventListener(sign, alive, true);
  document.addEventListener("visibilitychange", look);
  wait();
}
