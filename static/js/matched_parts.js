// Which parts of a text were typed, as [[start, end], …] in the text's own characters.
import { SLIPS_FROM, slips } from "./ranking.js";
import { placedWords } from "./words.js";

const inOrder = (spans) => spans.sort((one, other) => one[0] - other[0]);

function spanOf({ word, from, to }, typed) {
  const at = word.indexOf(typed);
  if (at >= 0) return [from[at], to[at + typed.length - 1]];
  return typed.length >= SLIPS_FROM && slips(typed, word) ? [from[0], to.at(-1)] : null;
}

// The word of *placed* that *typed* is meant for: one that begins with it before any other.
function meant(placed, typed) {
  const begins = placed.find(({ word }) => word.startsWith(typed));
  return begins ?? (typed.length > 1 ? placed.find((each) => spanOf(each, typed)) : undefined);
}

// left: the words of *typed* that do not stand in *text*.
export function matchedParts(text, typed) {
  if (!typed.length) return { spans: [], left: [] };
  let placed = placedWords(text);
  const spans = [], left = [];
  for (const each of typed) {
    const found = meant(placed, each);
    if (found) spans.push(spanOf(found, each));
    else left.push(each);
    placed = placed.filter((word) => word !== found);
  }
  return { spans: inOrder(spans), left };
}

// Where *typed* stands as beginnings of successive words of *text*; null where it does not.
export function chainedParts(text, typed) {
  const placed = placedWords(text);
  const dead = new Set(); // what was tried in vain, so that long names stay cheap
  const walk = (number, at) => {
    if (at === typed.length) return [];
    const tried = number * typed.length + at;
    if (number === placed.length || dead.has(tried)) return null;
    const { word, from, to } = placed[number];
    const most = Math.min(word.length, typed.length - at);
    for (let length = 0; length < most && typed[at + length] === word[length]; length += 1) {
      const rest = walk(number + 1, at + length + 1);
      if (rest) return [[from[0], to[length]], ...rest];
    }
    const without = walk(number + 1, at);
    if (!without) dead.add(tried);
    return without;
  };
  return walk(0, 0);
}
