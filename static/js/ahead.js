// Ahead of the person: the next two cards stand ready in the browser, and a decision shows the next
// one at once while it is sent.
import { applyKeys } from "./keys.js";
import { inTurn, letters, post, put, refusals, seen, send } from "./outbox.js";

const AHEAD = 2; // cards for later
const GOES_BACK = /\/(undo|take-back|past|past\/\d+)\/$/; // from a card that stays the person's
const GLANCE = 150; // milliseconds in which nobody has read a card yet: a key pressed twice

const card = () => document.getElementById("task");
const status = () => document.getElementById("review-status");

let ready = []; // cards for later, first to come first
let shownAt = -Infinity; // the first card came with the page
let undoing = ""; // the letter that u was pressed for while it was on its way
let isHeldBack = false; // a decision waits until those before it are stored
let present = () => {};

export const readyCards = () => ready;
export const forget = (unwanted) => (ready = ready.filter((each) => each !== unwanted));
const isTooSoon = () => performance.now() - shownAt < GLANCE;
export const isSending = () => letters().length > 0;

export function undoOnceStored() {
  undoing = letters().at(-1)?.id ?? "";
  saying("Undoing …", "");
}

export function tell(words) {
  const line = document.createElement("span");
  line.className = "desk-status__alert";
  line.textContent = words;
  status()?.querySelector(".desk-status__alert")?.remove();
  status()?.prepend(line);
}

// What was refused stays in sight until it is closed, also over a reload.
function showRefusals() {
  document.getElementById("unsaved").replaceChildren(...refusals().map(refusal));
}

function refusal(letter) {
  const line = document.createElement("p");
  line.className = "notice notice--bad";
  const link = Object.assign(document.createElement("a"), { href: letter.address, textContent: "Look at it" });
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
  close.className = "link-button";
  close.addEventListener("click", () => {
    seen(letter);
    showRefusals();
  });
  line.append(`Not saved: ${letter.subject}. ${letter.reason} `, link, " ", close);
  return line;
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
const have = () => [["ahead", "1"], ...atHand().map((id) => ["have", id])];

const queueTaken = () => new URLSearchParams(window.location.search).get("queue");

// --- The next card

export function shown() {
  shownAt = performance.now();
  ready = ready.filter((each) => each.dataset.task !== card()?.dataset.task);
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

function saying(words, name) {
  const line = document.createElement("span");
  line.className = "desk-status__what";
  line.textContent = `${words} `;
  const what = document.createElement("strong");
  what.textContent = name;
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
  if (!ready.length && isSending()) {
    holdBack(event);
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
  saying("Saving …", said(form, event.submitter));
  showNext();
  sendAll();
}

// No card stands ready: this decision must not overtake those on their way.
function holdBack(event) {
  const { target: form, submitter } = event;
  event.preventDefault();
  event.stopPropagation();
  if (isHeldBack) return;
  isHeldBack = true;
  saying("Saving … one moment", "");
  inTurn(() => {
    isHeldBack = false;
    if (!form.isConnected) return;
    const isPassing = submitter && !submitter.isConnected; // of the typeahead
    if (isPassing) form.append(submitter);
    form.requestSubmit(submitter);
    if (isPassing) submitter.remove();
  });
}

function stored(letter, text) {
  const answer = parsed(text);
  document.getElementById("review-bar").replaceWith(answer.querySelector("#review-bar"));
  const line = answer.querySelector("#review-status");
  const isUndone = letter.id === undoing;
  if (isUndone || !letters().length) status().replaceChildren(...line.childNodes);
  applyKeys();
  window.htmx.process(document.getElementById("review-bar"));
  window.htmx.process(status());
  keep(answer);
  if (isUndone) {
    undoing = "";
    status().querySelector("form button")?.click();
  }
}

function reasonOf(code, text) {
  if (code === 404) return "The task is gone, or you no longer belong to the project.";
  const why = parsed(text).querySelector("#why, .notice--bad")?.textContent.trim();
  return why ? `${why}.` : "";
}

function refused({ id }) {
  if (id === undoing) undoing = "";
  if (!letters().length) status().replaceChildren();
  showRefusals();
  refill();
}

function waiting(letter, what) {
  if (what === "reload") tell(`Not saved yet: ${letter.subject}. Reload the page to send it.`);
  else tell(`Not saved yet: ${letter.subject}. No answer; trying again.`);
}

const sendAll = () => send({ more: have, reasonOf, stored, refused, waiting });

export function stayAhead(presentCard) {
  present = presentCard;
  document.addEventListener("submit", moveOn, true); // before htmx hears of it
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { pathname } = new URL(detail.pathInfo.requestPath, window.location);
    const leaves = detail.target.id === "task" && GOES_BACK.test(pathname) && detail.shouldSwap;
    if (leaves && card()?.dataset.task) ready.unshift(card().cloneNode(true));
  });
  showRefusals();
  if (isSending()) sendAll();
  if (card()?.dataset.task) refill();
}
