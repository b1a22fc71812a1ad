// Which labels are meant by what was typed so far: pure functions, no page.
//
// Each word of the query must stand in the label: in its name, an alias, its path or its description,
// as a word, as the beginning of one, inside one, or with one slip of the keyboard. Or the whole query
// is made of the beginnings of successive words: “ctr” is Cash top-up reverted, and so is “catore”.
import { isUnspaced, words } from "./words.js";

const NONE = 0, SLIP = 1, INSIDE = 2, BEGINNING = 3, WHOLE = 4; // how a word is in another
export const SLIPS_FROM = 4; // letters: one wrong letter in three leaves too little
const WORDS_MOST = 8; // of a query
const WORDS_USED = 31; // of a name: they are counted off in the bits of a number
const CHAIN_MOST = 12; // letters of a query made of beginnings

// What a match costs, by how the word was found. The least is shown first.
const NAME = [Infinity, 50, 40, 10, 8];
const ALIAS = [Infinity, 54, 44, 12, 10];
const PATH = [Infinity, 66, 56, 30, 28];
const DESCRIPTION = [Infinity, 70, 60, 45, 43];
const FIRST = -10; // the first word of the query begins the name
const NEXT = -4; // it stands right behind the word before
const BACK = 4; // it stands before the word before
const SAME = -20; // it is the whole name
const CHAIN = 4;
const CHAIN_ALIAS = 6;
const LEFT = 2; // a word of the name that was not typed
const SKIPPED = 6; // such a word between those typed, where beginnings make up the query
const SKIPPED_SHORT = 2; // “of”, “by”, “the”
const LETTER = 0.02; // of the name: the shorter first

// What the person did before counts against the cost. Ranks count from 0.
export const CANDIDATE = 10; // times its probability
export const recent = (rank) => Math.max(12 - rank / 4, 7);
export const frequent = (rank) => Math.max(6 - rank / 10, 1);

// rows: [[id, name, path, description, aliases], …], as the server sends them
export function index(rows) {
  const vocabulary = new Map();
  const number = (word) => vocabulary.get(word) ?? (vocabulary.set(word, vocabulary.size), vocabulary.size - 1);
  const field = (textsOf) => {
    const starts = new Uint32Array(rows.length + 1);
    const found = [];
    rows.forEach((row, place) => {
      for (const word of words(textsOf(row))) found.push(number(word));
      starts[place + 1] = found.length;
    });
    return { starts, words: Uint32Array.from(found) };
  };
  const names = field((row) => row[1]);
  const paths = field((row) => row[2]);
  const descriptions = field((row) => row[3]);
  const aliases = rows.map((row) => (row[4] ?? []).map((alias) => Uint32Array.from(words(alias), number)));
  const all = [...vocabulary.keys()];
  return {
    rows, names, paths, descriptions, aliases, vocabulary: all,
    unspaced: all.map(isUnspaced),
    grades: Array.from({ length: WORDS_MOST }, () => new Uint8Array(all.length)),
    costs: new Float64Array(rows.length),
    chain: new Float64Array(CHAIN_MOST + 1),
  };
}

// Whether *typed* begins *word* but for one letter: another, one too many, one missing, two swapped.
export function slips(typed, word) {
  let at = 0;
  while (at < typed.length && at < word.length && typed[at] === word[at]) at += 1;
  if (at === typed.length) return true;
  const goesOn = (mine, its) => word.startsWith(typed.slice(mine), its);
  return (
    goesOn(at + 1, at) ||
    (at < word.length && (goesOn(at + 1, at + 1) || goesOn(at, at + 1))) ||
    (typed[at] === word[at + 1] && typed[at + 1] === word[at] && goesOn(at + 2, at + 2))
  );
}

function grade(typed, word, unspaced) {
  const at = word.indexOf(typed);
  if (at === 0) return word.length === typed.length ? WHOLE : BEGINNING;
  if (at > 0) return unspaced ? BEGINNING : typed.length > 1 ? INSIDE : NONE;
  return typed.length >= SLIPS_FROM && slips(typed, word) ? SLIP : NONE;
}

function least(field, label, grades, costs) {
  let best = 0;
  for (let at = field.starts[label]; at < field.starts[label + 1]; at += 1) {
    if (grades[field.words[at]] > best) best = grades[field.words[at]];
  }
  return costs[best];
}

function leastOfAliases(aliases, grades) {
  let best = Infinity;
  for (const alias of aliases) {
    for (let at = 0; at < alias.length; at += 1) {
      const found = grades[alias[at]];
      const cost = ALIAS[found] + (at === 0 && found >= BEGINNING ? FIRST : 0);
      if (cost < best) best = cost;
    }
  }
  return best;
}

// The least cost outside the name; what cannot be less than *best* is not looked at.
function leastElsewhere(all, label, grades, best) {
  const cost = Math.min(best, leastOfAliases(all.aliases[label], grades));
  if (cost <= PATH[WHOLE]) return cost;
  return Math.min(
    cost,
    least(all.paths, label, grades, PATH),
    least(all.descriptions, label, grades, DESCRIPTION),
  );
}

// The cost of the words of the query in one label; Infinity when one stands nowhere.
function costOfWords(all, label, count) {
  const from = all.names.starts[label];
  const to = Math.min(all.names.starts[label + 1], from + WORDS_USED);
  let sum = 0, last = -1, used = 0, whole = 0;
  for (let word = 0; word < count; word += 1) {
    const grades = all.grades[word];
    let best = Infinity, place = -1;
    for (let at = from; at < to; at += 1) {
      const found = grades[all.names.words[at]];
      if (!found || used & (1 << (at - from))) continue;
      let cost = NAME[found];
      if (word === 0) cost += at === from && found >= BEGINNING ? FIRST : 0;
      else if (last >= 0) cost += at === last + 1 ? NEXT : at < last ? BACK : 0;
      if (cost < best) {
        best = cost;
        place = at;
      }
    }
    const other = leastElsewhere(all, label, grades, best);
    if (other < best) {
      best = other;
      place = -1;
    }
    if (best === Infinity) return Infinity;
    sum += best;
    if (place >= 0) {
      if (grades[all.names.words[place]] === WHOLE) whole += 1;
      used |= 1 << (place - from);
      last = place;
    }
  }
  if (whole === count && whole === to - from) sum += SAME;
  let left = to - from;
  for (; used; used &= used - 1) left -= 1;
  return sum + LEFT * left;
}

// What it costs to read *typed* as beginnings of the words numbered in *found*, in their order.
// costs[n]: the least for its first n letters, with the words so far. Long names stay cheap that way.
function chain(all, found, from, to, typed) {
  const costs = all.chain.fill(Infinity);
  costs[0] = 0;
  for (let at = from; at < to; at += 1) {
    const word = all.vocabulary[found[at]];
    costs[typed.length] += LEFT;
    for (let letter = typed.length - 1; letter >= 0; letter -= 1) {
      if (costs[letter] === Infinity) continue;
      for (let next = letter; next < typed.length && typed[next] === word[next - letter]; next += 1) {
        if (costs[letter] < costs[next + 1]) costs[next + 1] = costs[letter];
      }
      costs[letter] += word.length > 3 ? SKIPPED : SKIPPED_SHORT;
    }
  }
  return costs[typed.length];
}

function costOfChain(all, label, typed) {
  const { starts, words: found } = all.names;
  let best = CHAIN + chain(all, found, starts[label], starts[label + 1], typed);
  for (const alias of all.aliases[label]) {
    best = Math.min(best, CHAIN_ALIAS + chain(all, alias, 0, alias.length, typed));
  }
  return best;
}

// Places of the labels that *text* may mean, the likeliest first.
// favour: by place, what is taken off the cost; null for nothing.
export function search(all, text, most, favour = null) {
  const typed = words(text).slice(0, WORDS_MOST);
  if (!typed.length) return [];
  typed.forEach((word, number) => {
    const grades = all.grades[number];
    for (let each = 0; each < grades.length; each += 1) {
      grades[each] = grade(word, all.vocabulary[each], all.unspaced[each]);
    }
  });
  const isChain = typed.length === 1 && typed[0].length > 1 && typed[0].length <= CHAIN_MOST;
  for (let label = 0; label < all.rows.length; label += 1) {
    let cost = costOfWords(all, label, typed.length);
    if (isChain) cost = Math.min(cost, costOfChain(all, label, typed[0]));
    all.costs[label] = cost + LETTER * all.rows[label][1].length - (favour ? favour[label] : 0);
  }
  return leastOf(all.costs, most);
}

function leastOf(costs, most) {
  const best = [];
  for (let place = 0; place < costs.length; place += 1) {
    const cost = costs[place];
    if (cost === Infinity || (best.length === most && cost >= costs[best[most - 1]])) continue;
    let at = best.length;
    while (at > 0 && cost < costs[best[at - 1]]) at -= 1;
    best.splice(at, 0, place);
    if (best.length > most) best.pop();
  }
  return best;
}
