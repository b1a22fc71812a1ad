// Decisions on their way: each waits here, also over a reload, until the server says it is stored.
// Sending one twice is one decision, so what is unsure is sent again. One entry of the browser's
// storage for each letter, for one person in one project; of two tabs one sends.
const PAUSES = [1_000, 2_000, 5_000, 10_000]; // milliseconds between tries; the last again and again
const TRIES = 4; // of a letter the server fails on, before the next one's turn
const KEEPALIVE_MOST = 60_000; // characters; browsers refuse more than 64 KiB

const owner = () => document.getElementById("review-status")?.dataset.owner ?? "";
const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

const inMemory = new Map(); // where storage is forbidden
let turn = Promise.resolve();
let isStuck = false;

// One request after the other: what stands ready is counted right.
export function inTurn(act) {
  turn = turn.then(act, act);
  return turn;
}

// Entries of this person's in one box, the oldest first.
function box(name) {
  const start = `${name} of ${owner()}: `;
  const read = () => {
    try {
      return Object.entries(localStorage);
    } catch {
      return [...inMemory];
    }
  };
  const mine = () => read().filter(([key]) => key.startsWith(start)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    all: () => mine().map(([key, text]) => ({ ...JSON.parse(text), place: key })),
    put(letter) {
      const place = `${start}${Date.now()}-${letter.id}`;
      try {
        localStorage.setItem(place, JSON.stringify(letter));
      } catch {
        inMemory.set(place, JSON.stringify(letter));
      }
    },
    drop({ place }) {
      inMemory.delete(place);
      try {
        localStorage.removeItem(place);
      } catch {
        // it was in memory
      }
    },
  };
}

const outbox = () => box("outbox");
export const letters = () => outbox().all();
export const put = (letter) => outbox().put(letter);

// Letters that were refused, with the reason: shown until the person has seen them.
export const refusals = () => box("refused").all();
export const seen = (letter) => box("refused").drop(letter);

export function post(url, fields) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  const headers = { "X-CSRFToken": token, "HX-Request": "true" };
  const body = new URLSearchParams(fields);
  const keepalive = body.toString().length < KEEPALIVE_MOST; // also while leaving the page
  return fetch(url, { method: "POST", headers, body, keepalive });
}

async function answerTo(letter, more) {
  try {
    const answer = await post(letter.url, [...letter.fields, ...more()]);
    return { status: answer.status, isOk: answer.ok, text: await answer.text() };
  } catch {
    return { status: 0, isOk: false, text: "" };
  }
}

const alone = (act) => (navigator.locks ? navigator.locks.request(`outbox of ${owner()}`, act) : act());

// Sends all letters in order. `more` gives fields to add; `stored`, `refused` and `waiting` are told
// what became of each: refused ones are kept apart, waiting ones stay and are tried again.
export function send(told) {
  return inTurn(() => alone(() => sendAll(told)));
}

async function sendAll({ more, reasonOf, stored, refused, waiting }) {
  let tries = 0;
  for (let letter = letters()[0]; letter; letter = letters()[0]) {
    const answer = await answerTo(letter, more);
    if (answer.isOk && answer.text.includes('id="acknowledged"')) {
      outbox().drop(letter);
      tries = 0;
      isStuck = false;
      stored(letter, answer.text);
    } else if ([404, 409, 422].includes(answer.status)) {
      outbox().drop(letter);
      box("refused").put({ ...letter, reason: reasonOf(answer.status, answer.text) });
      refused(letter);
    } else {
      isStuck = true;
      const isOver = answer.status && answer.status < 500; // signed out, or the page has expired
      waiting(letter, isOver ? "reload" : "again");
      if (isOver) return;
      await pause(PAUSES[Math.min(tries, PAUSES.length - 1)]);
      tries += 1;
      if (answer.status && tries % TRIES === 0) goLast(letter);
    }
  }
}

function goLast(letter) {
  outbox().drop(letter);
  put(letter);
}

addEventListener("beforeunload", (event) => {
  const many = letters().length;
  if (many > 1 || (isStuck && many)) event.preventDefault();
});
