// Words as they are compared: without case, accents and punctuation, in any alphabet.

// Accents of Latin, Greek and Cyrillic; points of Hebrew and Arabic. The vowels of Indic scripts and
// the voicing of kana are marks too, but tell words apart: they stay.
const ACCENTS = /[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]/g;
const APOSTROPHES = /['’ʼ]/g;
const ALONE = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ł: "l", ı: "i", ς: "σ" }; // do not decompose
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export function fold(text) {
  const plain = text.normalize("NFKD").replace(ACCENTS, "").replace(APOSTROPHES, "").toLowerCase();
  return plain.replace(/[ßæœøđłıς]/g, (letter) => ALONE[letter]);
}

export const words = (text) => fold(text).match(WORD) ?? [];

// Whether a word may begin anywhere in the text, no spaces being written between words.
export const isUnspaced = (word) => UNSPACED.test(word);

// The same with places: from[n] and to[n] say where the n-th unit of the word stands in the text.
export function placedWords(text) {
  let folded = "", place = 0;
  const from = [], to = [];
  for (const character of text) {
    const part = fold(character);
    const end = place + character.length;
    if (!part && to.length) to[to.length - 1] = end; // an accent belongs to the letter before it
    for (let unit = 0; unit < part.length; unit += 1) {
      from.push(place);
      to.push(end);
    }
    folded += part;
    place = end;
  }
  return [...folded.matchAll(WORD)].map(({ 0: word, index }) => ({
    word,
    from: from.slice(index, index + word.length),
    to: to.slice(index, index + word.length),
  }));
}
