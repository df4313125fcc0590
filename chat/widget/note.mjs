// A note for an adult, from what was chosen: its parts in order, and the same as plain text.

/**
 * The note: {headings, words, wants, wishes, last, advice, source}. `given` is what the gateway hands
 * out; `chosen` is {about, person, sentences, own, wishes, who}, by ids apart from own and who.
 */
export function composed({ people, groups, wishes, headings, phrases }, chosen) {
  const { about, own, who } = chosen;
  const adult = people.find(({ id }) => id === chosen.person) ?? people.find(({ id }) => id === "other_adult");
  const said = groups.flatMap(({ sentences }) => sentences).filter(({ id }) => chosen.sentences.includes(id));
  const wanted = wishes.filter(({ id }) => chosen.wishes.includes(id));
  return {
    headings,
    words: [
      about === "friend" ? phrases.first_friend : phrases.first,
      ...said.map((each) => each[about]).filter(Boolean),
      ...own.split(/\n+/).map((line) => line.trim()).filter(Boolean),
    ],
    wants: wanted.length ? phrases.wants : "",
    wishes: wanted.map((wish) => wish[about].replace("{who}", () => who.trim() || phrases.who_else)),
    last: phrases.last,
    advice: adult.advice,
    source: adult.source,
  };
}

/** The note as it is copied: the words of it, a line each. */
export function asText({ headings, words, wants, wishes, last, advice, source }) {
  const parts = [
    headings.map(({ text }) => text),
    words,
    [wants, ...wishes.map((wish) => `- ${wish}`)],
    [last],
    [advice, source],
  ];
  return parts.map((lines) => lines.filter(Boolean).join("\n")).filter(Boolean).join("\n\n");
}
