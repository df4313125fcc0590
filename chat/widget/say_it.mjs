// Say it for me: a note for an adult, made on this page. It is loaded only when it is opened. What is
// chosen and typed goes nowhere: not to the gateway, and not into any storage of the browser.

import { button, make, part } from "./dom.mjs";
import { asText, composed } from "./note.mjs";

const STYLE = "/widget/say_it.css";
const STEPS = 3;
const box = document.getElementById("words");
const leave = part("exit");

/** The tool, for a turn of the chat. `given` is what the gateway hands out. */
export function noteTool(given) {
  document.querySelector("[data-say]")?.remove();
  wearStyle();
  const { phrases } = given;
  const steps = [whom(given), what(given), want(given)];
  const back = button(phrases.back, "button--choice", () => go(at - 1));
  const next = button(phrases.next, "", () => (at < STEPS - 1 ? go(at + 1) : show(note(), given, form)));
  const hide = button(phrases.hide, "button--choice", () => {
    form.remove();
    box.focus();
  });
  const form = make("form", "say", ...steps, make("div", "say__moves", back, next, hide));
  form.dataset.say = "";
  form.autocomplete = "off";
  form.setAttribute("aria-label", phrases.title);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => follow(event.target));
  let at = 0;

  function go(to) {
    at = to;
    steps.forEach((step, number) => {
      step.hidden = number !== at;
    });
    back.hidden = !at;
    next.textContent = at < STEPS - 1 ? phrases.next : phrases.make;
    steps[at].firstElementChild.focus();
  }

  const all = (name) => [...form.querySelectorAll(`[name="${name}"]:checked`)].map(({ value }) => value);
  const note = () =>
    composed(given, {
      about: all("about")[0],
      person: all("person")[0],
      sentences: all("sentence"),
      own: form.elements.own.value,
      wishes: all("wish"),
      who: form.elements.who.value,
    });

  /** Show what follows from a choice: whom the sentences are about, and what an adult may pass on. */
  function follow({ name, value }) {
    if (name === "about") worded(form, given, value);
    if (name === "person") honest(form, given.people.find(({ id }) => id === value));
    if (name === "wish") form.querySelector("[data-who]").hidden = !all("wish").some((id) => named(given, id));
  }

  worded(form, given, given.about);
  steps.slice(1).forEach((step) => {
    step.hidden = true;
  });
  back.hidden = true;
  return form;
}

const named = ({ wishes }, id) => wishes.find((wish) => wish.id === id).names_someone;

/** A step: what it asks, which takes the focus when the step is reached, and its parts. */
function step({ phrases }, at, asks, ...parts) {
  const count = phrases.step.replace("{at}", at).replace("{of}", STEPS);
  const legend = make("legend", "say__asks", make("span", "say__count", count), asks);
  legend.tabIndex = -1;
  return make("fieldset", "say__step", legend, ...parts);
}

function option(type, name, value, label, checked) {
  const input = make("input", "");
  Object.assign(input, { type, name, value, checked: Boolean(checked) });
  return make("label", "say__option", input, make("span", "", label));
}

const hint = (text) => make("p", "say__hint", text);

function whom({ about, people, phrases, ...given }) {
  const subjects = [["me", phrases.about_me], ["friend", phrases.about_friend]];
  const told = make("div", "say__honest");
  told.dataset.honest = "";
  told.setAttribute("role", "status");
  const asked = make("fieldset", "say__part", make("legend", "say__title", phrases.about));
  asked.append(...subjects.map(([id, label]) => option("radio", "about", id, label, id === about)));
  return step(
    { phrases, ...given },
    1,
    phrases.whom,
    hint(phrases.whom_hint),
    ...people.map(({ id, label }) => option("radio", "person", id, label)),
    told,
    asked,
  );
}

function what({ groups, phrases }) {
  const own = make("textarea", "");
  Object.assign(own, { name: "own", rows: 4, autocomplete: "off" });
  return step(
    { phrases },
    2,
    phrases.what,
    hint(phrases.what_hint),
    ...groups.map((group) => sentences(group, phrases)),
    make("label", "say__words", make("span", "say__title", phrases.own), own),
    hint(phrases.own_hint),
  );
}

/** The sentences of a group. What the conversation does not speak of is folded. */
function sentences({ id, sentences: listed }, phrases) {
  const options = listed.map((each) => option("checkbox", "sentence", each.id, ""));
  if (id === "happening" || id === "detail") {
    return make("details", "say__more", make("summary", "", phrases[id]), ...options);
  }
  return make("fieldset", "say__part", make("legend", "say__title", phrases[id]), ...options);
}

function want({ wishes, phrases }) {
  const who = make("input", "");
  Object.assign(who, { name: "who", type: "text", maxLength: 60, autocomplete: "off" });
  const asked = make("div", "", make("label", "say__words", phrases.who, who), hint(phrases.pass_on));
  asked.dataset.who = "";
  asked.hidden = true;
  const options = wishes.map(({ id, label }) => option("checkbox", "wish", id, label));
  return step({ phrases }, 3, phrases.want, ...options, asked);
}

/** Word the sentences about the writer or about somebody else, and leave out those that make no sense. */
function worded(form, { groups }, about) {
  for (const each of groups.flatMap((group) => group.sentences)) {
    const input = form.querySelector(`[name="sentence"][value="${each.id}"]`);
    input.nextElementSibling.textContent = each[about] ?? "";
    input.parentElement.hidden = !each[about];
    input.checked = input.checked && Boolean(each[about]);
  }
}

function honest(form, { passes_on: passed, caution }) {
  const place = form.querySelector("[data-honest]");
  place.replaceChildren(...[caution, passed].filter(Boolean).map((text) => make("p", "", text)));
}

/** Show the note on the whole page, in large type. Closing it leads back to the tool. */
function show(note, { phrases }, form) {
  const page = make("article", "note__page", ...read(note, phrases));
  const told = make("p", "note__told");
  told.setAttribute("role", "status");
  const close = () => dialog.close();
  const acts = [
    button(phrases.copy, "", async () => {
      told.textContent = (await copied(asText(note), page)) ? phrases.copied : phrases.not_copied;
    }),
    button(phrases.print, "", () => print()),
    button(phrases.change, "button--choice", close),
    button(phrases.hide, "button--choice", () => {
      close();
      form.remove();
      box.focus();
    }),
  ];
  const own = form.elements.own.value.trim();
  if (own) {
    acts.splice(2, 0, button(phrases.to_box, "button--choice", () => {
      close();
      box.value = [box.value.trim(), own].filter(Boolean).join("\n");
      box.dispatchEvent(new Event("input"));
      box.focus();
    }));
  }
  const dialog = make(
    "dialog",
    "note",
    make("div", "note__top", button(leave.textContent, "", () => leave.click())),
    page,
    make("div", "note__acts", ...acts),
    told,
    hint(phrases.kept),
    hint(phrases.print_hint),
  );
  dialog.dataset.note = "";
  dialog.setAttribute("aria-label", phrases.title);
  dialog.addEventListener("close", () => dialog.remove());
  // For the chat, Escape means closing it all.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
  page.firstElementChild.focus();
}

/** The parts of the note on the page. */
function read({ headings, words, wants, wishes, last, advice, source }, phrases) {
  const [first, ...others] = headings.map(({ lang, name, text, checked }, at) => {
    const marked = !checked && make("small", "", ` (${name}; ${phrases.unsigned})`);
    if (marked) marked.lang = "en";
    const heading = make(at ? "p" : "h2", "note__heading", text, marked);
    heading.lang = lang;
    return heading;
  });
  first.tabIndex = -1;
  return [
    first,
    ...others,
    make("div", "note__words", ...words.map((line) => make("p", "", line))),
    wants && make("div", "note__wants", make("p", "", wants), make("ul", "", ...wishes.map((wish) => make("li", "", wish)))),
    make("p", "note__last", last),
    make("div", "note__advice", make("h3", "", phrases.for_adult), make("p", "", advice), make("p", "note__source", source)),
  ].filter(Boolean);
}

/** Copy the text; true when it was. In a frame, and without TLS, only what is selected can be copied. */
async function copied(text, page) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(page);
    return document.execCommand("copy");
  }
}

function wearStyle() {
  if (document.querySelector(`link[href="${STYLE}"]`)) return;
  const sheet = make("link", "");
  Object.assign(sheet, { rel: "stylesheet", href: STYLE });
  document.head.append(sheet);
}
