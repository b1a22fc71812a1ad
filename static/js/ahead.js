// Ahead of the person: the next two cards stand ready in the browser, and a decision shows the next
// one at once while it is sent.
import { applyKeys } from "./keys.js";
import { inTurn, letters, post, put, send } from "./outbox.js";

const AHEAD = 2; // cards for later
const GOES_BACK = /\/(undo|take-back|past|past\/\d+)\/$/; // from a card that stays the person's
const GLANCE = 150; // milliseconds in which nobody has read a card yet: a key pressed twice

const card = () => document.getElementById("task");
const status = () => document.getElementById("review-status");

let ready = []; // cards for later, first to come first
let shownAt = -Infinity; // the first card came with the page
let wantsUndo = false;
let present = () => {};

export const readyCards = () => ready;
export const forget = (unwanted) => (ready = ready.filter((each) => each !== unwanted));
const isTooSoon = () => performance.now() - shownAt < GLANCE;
export const isSending = () => letters().length > 0;
export const undoOnceStored = () => (wantsUndo = true);

export function tell(words, address = "") {
  const line = document.createElement("span");
  line.className = "desk-status__alert";
  line.textContent = words;
  if (address) {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "Look at it";
    line.append(" ", link);
  }
  status()?.querySelector(".desk-status__alert")?.remove();
  status()?.prepend(line);
}

function parsed(html) {
  const page = document.createElement("template");
  page.innerHTML = html; // the server's own fragment, all user text in it escaped
  return page.content;
}

function keep(fragment) {
  const have = new Set(atHand());
  for (const each of fragment.querySelectorAll("#ahead > template")) {
    const node = each.content.firstElementChild;
    if (node && !have.has(node.dataset.task)) ready.push(node);
  }
}

const atHand = () => [card(), ...ready].map((each) => each?.dataset.task).filter(Boolean);
const have = () => atHand().map((id) => ["have", id]);

const queueTaken = () => new URLSearchParams(window.location.search).get("queue");

// --- The next card

export function shown() {
  shownAt = performance.now();
  present(card());
  if (ready.length < AHEAD) refill();
}

function showNext() {
  const next = ready.shift();
  card().replaceWith(next);
  window.htmx.process(next);
  const queue = queueTaken();
  history.replaceState(history.state, "", next.dataset.address + (queue ? `?queue=${queue}` : ""));
  shownAt = performance.now();
  present(next);
}

function refill() {
  inTurn(async () => {
    const url = card()?.dataset.ahead;
    if (!url || letters().length || ready.length >= AHEAD) return;
    const queue = queueTaken();
    try {
      const answer = await post(url, [...have(), ...(queue ? [["queue", queue]] : [])]);
      if (answer.ok) keep(parsed(await answer.text()));
    } catch {
      // the next decision asks again
    }
  });
}

// --- A decision

function said(form, button) {
  const ticked = form.querySelectorAll("input[name=label]:checked");
  const names = ticked.length ? [...ticked].map((box) => box.closest("label")) : [button];
  const read = names.map((each) => each?.querySelector(".choice__name")?.textContent.trim() ?? each?.dataset.name);
  if (form.id !== "decision") return "";
  return button?.name === "none" ? "nothing fits" : read.filter(Boolean).join(", ");
}

function saving(words) {
  const line = document.createElement("span");
  line.className = "desk-status__what";
  line.textContent = "Saving … ";
  const what = document.createElement("strong");
  what.textContent = words;
  line.append(what);
  status().replaceChildren(line);
}

const isKept = ([name]) => name !== "csrfmiddlewaretoken";

function moveOn(event) {
  const form = event.target;
  if (form.matches?.("#task [data-returns]") && ready.length) {
    event.preventDefault();
    event.stopPropagation();
    showNext();
    return;
  }
  if (!form.matches?.("#task [data-moves-on]")) return;
  if (isTooSoon()) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (!ready.length || !form.reportValidity()) return; // htmx sends it and waits
  event.preventDefault();
  event.stopPropagation();
  const fields = [...new FormData(form, event.submitter)].filter(isKept);
  const { task: id, address } = card().dataset;
  const subject = card().querySelector("h2")?.textContent.trim() ?? "";
  put({ id: crypto.randomUUID(), task: id, url: form.action, fields, address, subject });
  document.dispatchEvent(new CustomEvent("desk:decided", { detail: { task: id } }));
  saving(said(form, event.submitter));
  showNext();
  sendAll();
}

function stored(_letter, text) {
  const answer = parsed(text);
  document.getElementById("review-bar").replaceWith(answer.querySelector("#review-bar"));
  const line = answer.querySelector("#review-status");
  if (!letters().length) status().replaceChildren(...line.childNodes);
  applyKeys();
  window.htmx.process(document.getElementById("review-bar"));
  window.htmx.process(status());
  keep(answer);
  if (wantsUndo && !letters().length) {
    wantsUndo = false;
    status().querySelector("form button")?.click();
  }
}

function refused(letter, code, text) {
  wantsUndo = false;
  const answer = parsed(text);
  const reason = answer.querySelector("#why, .notice--bad")?.textContent.trim();
  const why = code === 404 ? "The task is gone, or you no longer belong to the project" : reason;
  status().replaceChildren();
  tell(`Not saved: ${letter.subject}. ${why ?? ""}.`, code === 404 ? "" : letter.address);
}

function waiting(letter, what) {
  if (what === "reload") tell(`Not saved yet: ${letter.subject}. Reload the page to send it.`);
  else tell(`Not saved yet: ${letter.subject}. No answer; trying again.`);
}

const sendAll = () => send({ more: have, stored, refused, waiting });

export function stayAhead(presentCard) {
  present = presentCard;
  document.addEventListener("submit", moveOn, true); // before htmx hears of it
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { pathname } = new URL(detail.pathInfo.requestPath, window.location);
    const leaves = detail.target.id === "task" && GOES_BACK.test(pathname) && detail.shouldSwap;
    if (leaves && card()?.dataset.task) ready.unshift(card().cloneNode(true));
  });
  if (isSending()) sendAll();
  if (card()?.dataset.task) refill();
}
