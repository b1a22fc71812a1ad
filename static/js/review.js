// The review desk: keys, heartbeat, and where the focus goes when the next card comes.
// Every key presses a control that stands on the page, found by its data-keys.
import { forget, isSending, readyCards, shown, stayAhead, tell, undoOnceStored } from "./ahead.js";
import { keepDrafts, restore } from "./drafts.js";
import { markPassages } from "./evidence.js";
import { applyKeys, areOff, controlOf, keyOf } from "./keys.js";
import { watchOnlyOne } from "./only_one.js";
import { watchPalette } from "./palette.js";
import { closeTypeahead, openTypeahead, openWith, tickFound, watchTypeahead } from "./typeahead.js";

const BEAT = 60_000; // milliseconds; a lease lasts five minutes
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const ACTIVATED_BY_ENTER = "a[href], button, summary";

const BUSY = "#task .htmx-request:not(#evidence, #evidence *), #review-status .htmx-request";

const task = () => document.getElementById("task");

// --- Keys

function isForUs(event) {
  if (event.defaultPrevented || event.isComposing || event.repeat) return false;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (document.querySelector("dialog[open]")) return false;
  const at = event.target instanceof Element ? event.target : document.body;
  if (at.closest(TYPING)) return false;
  if (event.key.length === 1 && areOff()) return false; // letters, digits, signs: WCAG 2.1.4
  return event.key !== "Enter" || !at.closest(ACTIVATED_BY_ENTER);
}

function press(event) {
  if (!isForUs(event)) return;
  const control = controlOf(event.key);
  if (!control && event.key === keyOf("undo") && isSending()) undoOnceStored();
  else if (!control) openWith(event);
  if (!control || control.disabled) return;
  event.preventDefault();
  if (document.querySelector(BUSY)) return;
  if (control.matches("[type=search]")) openTypeahead(control);
  else control.click();
  if (control.matches("[data-closes] > summary")) enter(control.parentElement);
}

document.addEventListener("keydown", press);

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.matches("dialog")) detail.target.showModal();
});

// A dialog closed by the browser keeps the focus, unseen, until the page is painted: a key pressed
// meanwhile would be lost in it, or choose a command of the palette.
function leave(dialog) {
  if (dialog.contains(document.activeElement)) document.activeElement.blur();
}

function closeAtOnce(event) {
  const dialog = event.key === "Escape" && !event.isComposing && document.querySelector("dialog[open]");
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
  leave(dialog);
}

document.addEventListener("keydown", closeAtOnce, true);
document.addEventListener("close", ({ target }) => target.matches?.("dialog") && leave(target), true);

// --- Notes and snoozes: what opens takes the focus, Ctrl-Enter sends

function enter(menu) {
  if (menu.open) menu.querySelector("textarea, button")?.focus();
}

document.addEventListener(
  "toggle",
  ({ target }) => target.matches?.("[data-closes]") && enter(target),
  true, // toggle does not bubble
);

document.addEventListener("keydown", (event) => {
  const form = event.key === "Enter" && event.target.closest?.(".note__form");
  if (!form || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});

// --- The next card

document.addEventListener("htmx:beforeSwap", (event) => {
  // A session that ended answers with the sign-in page: go there instead of showing it in the card.
  const { xhr, target } = event.detail;
  if (target.id === "task" && xhr.status === 200 && !xhr.responseText.includes('id="task"')) {
    event.detail.shouldSwap = false;
    const address = new URL(xhr.responseURL || window.location.href);
    const here = window.location.pathname + window.location.search;
    if (address.searchParams.has("next")) address.searchParams.set("next", here);
    window.location.assign(address);
  }
});

function present(card) {
  lastBeat = Date.now();
  applyKeys();
  closeTypeahead();
  document.title = document.title.replace(/^.*? · /, () => `${heading(card)} · `);
  restore(tickFound);
  card.querySelector("h2[tabindex]")?.focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id === "task" || event.target.id === "task") shown();
});

const heading = (card) => card.querySelector("h2")?.textContent.trim().slice(0, 60) || "Review";

const isEvidence = (event) => Boolean(event.target.closest?.("#evidence")); // it decides nothing

function unsaved(event) {
  if (isEvidence(event)) return;
  const code = event.detail.xhr?.status ?? 0;
  if (code === 403) tell("Not saved: this page has expired. Reload it and decide again.");
  else if (code === 404) tell("Not saved: the task is gone, or you no longer belong to the project.");
  else if (code) tell("Not saved: the server failed. Try again; sending twice is one decision.");
  else tell("Not saved: no answer. Try again; sending twice is one decision.");
}
document.addEventListener("htmx:sendError", unsaved);
document.addEventListener("htmx:timeout", unsaved);
document.addEventListener("htmx:responseError", unsaved);

// --- The lease

let lastBeat = Date.now();

async function beat() {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token || document.visibilityState !== "visible") return;
  lastBeat = Date.now();
  await Promise.all([task(), ...readyCards()].map((card) => renew(card, token)));
}

async function renew(card, token) {
  const { heartbeat, address } = card?.dataset ?? {};
  if (!heartbeat) return;
  try {
    const answer = await fetch(heartbeat, { method: "POST", headers: { "X-CSRFToken": token } });
    if (answer.status !== 409) return;
    if (card === task()) window.htmx.ajax("GET", address, { target: "#task", swap: "outerHTML" });
    else forget(card);
  } catch {
    tell("The server cannot be reached. Your place is kept for five minutes.");
  }
}

setInterval(() => Date.now() - lastBeat >= BEAT && beat(), 5_000);
document.addEventListener("visibilitychange", () => Date.now() - lastBeat >= BEAT && beat());

watchTypeahead();
watchOnlyOne(); // before drafts are kept
applyKeys();
watchPalette();
keepDrafts();
restore(tickFound);
stayAhead(present);
document.addEventListener("htmx:beforeRequest", (event) => isEvidence(event) || closeTypeahead());
markPassages();
