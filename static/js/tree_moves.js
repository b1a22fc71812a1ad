// Owners move a label: m or its handle picks it up, another row or the top takes it. What is dropped
// goes into the draft; the tree shows what is published.
import { linkOf, nameOf, rowAt, tree } from "./tree_rows.js";

const EDGE = 60; // pixels from the window's edge, where a dragged label scrolls the page
const STILL = 5; // pixels a pointer may stray in a click
const PATIENCE = 700; // milliseconds over a closed branch until it opens

const panel = () => document.getElementById("moves");
const form = () => document.getElementById("move");
const toTop = () => document.getElementById("to-top");

let held = null; // the row in hand
let over = null; // the row it would go under
let drag = null; // the pointer that drags it, and where that is
let hint = null; // how to begin

// Nothing to say is said by how to begin, unless the last drop has the word.
function say(words) {
  const line = document.getElementById("moves-said");
  hint ??= line.textContent;
  line.textContent = words || (panel().querySelector(".notice") ? "" : hint);
}

// --- In hand

function pickUp(row) {
  letGo();
  linkOf(row).focus({ preventScroll: true });
  held = row;
  row.classList.add("is-held");
  toTop().hidden = false;
  panel().querySelector(".notice")?.remove();
  say(`Moving ${nameOf(row)}. Go to a label: Enter drops it there, t at the top; Escape lets go.`);
}

function letGo(words = "") {
  clearTimeout(drag?.waiting);
  for (const row of [held, over]) row?.classList.remove("is-held", "is-under", "is-refused");
  held = over = drag = null;
  toTop().hidden = true;
  say(words);
}

function hover(row) {
  if (row === over) return;
  over?.classList.remove("is-under", "is-refused");
  over = row;
  if (!row || row === held) return say(`Moving ${nameOf(held)}.`);
  const isBelow = held.contains(row);
  row.classList.add(isBelow ? "is-refused" : "is-under");
  if (isBelow) say(`${nameOf(held)} cannot stand under ${nameOf(row)}, which is below it.`);
  else say(`${nameOf(held)} under ${nameOf(row)}? ${drag ? "Let go to drop" : "Enter drops"} it.`);
}

// --- Dropped

function drop(row) {
  if (row && held.contains(row)) return hover(row);
  if (form().matches(".htmx-request")) return say("The last move is not stored yet. Drop it again in a moment.");
  form().elements.label.value = linkOf(held).dataset.label;
  form().elements.under.value = row ? linkOf(row).dataset.label : "";
  const moved = held;
  letGo("Putting it into the draft …");
  linkOf(moved).focus({ preventScroll: true });
  form().requestSubmit();
}

function mark() {
  const moving = document.getElementById("drop").dataset.moving.split(" ");
  for (const old of tree().querySelectorAll(".tree__moves")) old.remove();
  for (const label of moving.filter(Boolean)) {
    const said = Object.assign(document.createElement("span"), {
      className: "badge tree__moves",
      textContent: "moves in the draft",
    });
    tree().querySelector(`[data-label="${label}"]`)?.after(said);
  }
}

function failed({ target, detail }) {
  if (!panel().contains(target)) return;
  const code = detail.xhr?.status ?? 0;
  if (code === 403) say("Not stored: this page has expired. Reload it and try again.");
  else if (code === 404) say("Not stored: a label is gone, or you no longer own the taxonomy.");
  else say(`Not stored: ${code ? "the server failed" : "no answer"}. Try again.`);
}

// A session that ended answers with the sign-in page.
function refuse(event) {
  const { target, xhr } = event.detail;
  if (target.id !== "drop" || xhr.responseText.includes('id="drop"')) return;
  event.detail.shouldSwap = false;
  if (xhr.status === 200) say("Not stored: you are signed out. Reload the page to sign in.");
}

// --- By keyboard

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && held) return letGo("Let go; nothing was moved.");
  const row = rowAt(event.target);
  const acts = held ? { Enter: () => drop(row), t: () => drop(null) } : { m: () => pickUp(row) };
  const act = row && acts[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// --- By pointer

function addHandles() {
  for (const link of tree().querySelectorAll("[data-label]")) {
    if (link.previousElementSibling?.matches(".tree__handle")) continue;
    const handle = document.createElement("span");
    link.before(Object.assign(handle, { className: "tree__handle", title: "Drag to move", ariaHidden: "true" }));
  }
}

function begin(event) {
  if (event.button !== 0 || !event.target.matches?.(".tree__handle")) return;
  event.preventDefault();
  pickUp(rowAt(event.target));
  drag = { id: event.pointerId, x: event.clientX, y: event.clientY, isFar: false };
  [drag.fromX, drag.fromY] = [drag.x, drag.y];
  event.target.setPointerCapture(event.pointerId);
  requestAnimationFrame(scroll);
}

function follow(event) {
  if (event.pointerId !== drag?.id) return;
  [drag.x, drag.y] = [event.clientX, event.clientY];
  drag.isFar ||= Math.hypot(drag.x - drag.fromX, drag.y - drag.fromY) > STILL;
  if (drag.isFar) look();
}

function look() {
  const row = rowAt(document.elementFromPoint(drag.x, drag.y));
  if (row === over) return;
  hover(row);
  clearTimeout(drag.waiting);
  const closed = row?.querySelector(":scope > details:not([open])");
  if (closed) drag.waiting = setTimeout(() => (closed.open = true), PATIENCE);
}

function scroll() {
  if (!drag) return;
  const isAtPanel = panel().contains(document.elementFromPoint(drag.x, drag.y));
  const step = isAtPanel ? 0 : (drag.y > window.innerHeight - EDGE) - (drag.y < EDGE);
  if (step && drag.isFar) {
    window.scrollBy(0, 12 * step);
    look();
  }
  requestAnimationFrame(scroll);
}

// A handle that is clicked leaves its row in hand until another one is.
function end(event) {
  if (event.pointerId !== drag?.id) return;
  const at = document.elementFromPoint(event.clientX, event.clientY);
  const row = drag.isFar ? rowAt(at) : held;
  clearTimeout(drag.waiting);
  drag = null;
  if (toTop().contains(at)) drop(null);
  else if (row && row !== held) drop(row);
  else if (!row) letGo("Let go; nothing was moved.");
}

function click(event) {
  const row = event.target.closest?.(".tree__row") && rowAt(event.target);
  const isHandle = event.target.matches?.(".tree__handle");
  if (!row || (!held && !isHandle)) return;
  event.preventDefault();
  if (!isHandle) drop(row);
}

export function watchMoves() {
  if (!form() || !tree()) return;
  panel().hidden = false;
  document.addEventListener("keydown", press);
  document.addEventListener("focusin", ({ target }) => {
    if (held && !drag && rowAt(target)) hover(rowAt(target));
  });
  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", (event) => event.pointerId === drag?.id && letGo());
  document.addEventListener("click", click);
  toTop().addEventListener("click", () => held && drop(null));
  document.addEventListener("htmx:beforeSwap", refuse);
  const failures = ["htmx:sendError", "htmx:timeout", "htmx:responseError"];
  for (const each of failures) document.addEventListener(each, failed);
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id === "drop") say("");
    if (held && !held.isConnected) letGo();
    addHandles();
    mark();
  });
  addHandles();
  mark();
}
