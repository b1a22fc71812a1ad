// Decisions on their way: each waits here, also over a reload, until the server says it is stored.
// Sending one twice is one decision, so what is unsure is sent again.
const PAUSES = [1_000, 2_000, 5_000, 10_000]; // milliseconds between tries; the last again and again

const person = () => document.getElementById("review-status")?.dataset.person ?? "";
const place = () => `outbox of ${person()}`;
const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

let inMemory = []; // where storage is forbidden
let turn = Promise.resolve();
let isStuck = false;

// One request after the other: what stands ready is counted right.
export function inTurn(act) {
  turn = turn.then(act, act);
  return turn;
}

export function letters() {
  try {
    return JSON.parse(localStorage.getItem(place())) ?? [];
  } catch {
    return inMemory;
  }
}

function keep(all) {
  inMemory = all;
  try {
    if (all.length) localStorage.setItem(place(), JSON.stringify(all));
    else localStorage.removeItem(place());
  } catch {
    // it lasts as long as this page
  }
}

export const put = (letter) => keep([...letters(), letter]);
const drop = ({ id }) => keep(letters().filter((each) => each.id !== id));

export function post(url, fields) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  const headers = { "X-CSRFToken": token, "HX-Request": "true" };
  const body = new URLSearchParams(fields);
  return fetch(url, { method: "POST", headers, body, keepalive: true }); // also while leaving
}

async function answerTo(letter, more) {
  try {
    return await post(letter.url, [...letter.fields, ...more()]);
  } catch {
    return null; // no answer
  }
}

// Sends all letters in order. `more` gives fields to add; `stored`, `refused` and `waiting` are told
// what became of each: refused ones are gone, waiting ones stay and are tried again.
export function send({ more, stored, refused, waiting }) {
  return inTurn(async () => {
    let tries = 0;
    for (let letter = letters()[0]; letter; letter = letters()[0]) {
      const answer = await answerTo(letter, more);
      const text = answer ? await answer.text().catch(() => "") : "";
      if (answer?.ok && text.includes('id="acknowledged"')) {
        drop(letter);
        tries = 0;
        isStuck = false;
        stored(letter, text);
      } else if ([404, 409, 422].includes(answer?.status)) {
        drop(letter);
        refused(letter, answer.status, text);
      } else {
        isStuck = true;
        const isOver = answer && answer.status < 500; // signed out, or the page has expired
        waiting(letter, isOver ? "reload" : "again");
        if (isOver) return;
        await pause(PAUSES[Math.min(tries, PAUSES.length - 1)]);
        tries += 1;
      }
    }
  });
}

addEventListener("beforeunload", (event) => {
  if (letters().length > 1 || (isStuck && letters().length)) event.preventDefault();
});
