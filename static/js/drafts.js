// What is ticked or typed on a card is kept until it is decided, also over a reload.
import { lineOf } from "./only_one.js";

const KEPT = 20; // cards

const owner = () => document.getElementById("review-status")?.dataset.owner ?? "";
const place = () => `drafts of ${owner()}`;
const card = () => document.getElementById("task");

function drafts() {
  try {
    return JSON.parse(localStorage.getItem(place())) ?? {};
  } catch {
    return {};
  }
}

function keep(all) {
  try {
    localStorage.setItem(place(), JSON.stringify(Object.fromEntries(Object.entries(all).slice(-KEPT))));
  } catch {
    // no storage: nothing is kept
  }
}

const notes = () => [...card().querySelectorAll("textarea[id]")];
const boxes = () => [...card().querySelectorAll("#decision input[type=checkbox]")];

function save() {
  const { task } = card()?.dataset ?? {};
  if (!task) return;
  const ticked = boxes().filter((box) => box.checked).map(named);
  const written = notes().map(({ id, value }) => [id, value]).filter(([, value]) => value);
  const { [task]: _before, ...others } = drafts();
  keep({ ...others, [task]: { ticked, written } });
}

function named(box) {
  const read = (part) => box.closest("label").querySelector(`.choice__${part}`)?.textContent ?? "";
  return { id: box.value, name: read("name"), path: read("path"), oneOf: lineOf(box) };
}

export function restore(tick) {
  const draft = drafts()[card()?.dataset.task];
  if (!draft) return;
  for (const [id, value] of draft.written) {
    const field = document.getElementById(id);
    if (field && !field.value) field.value = value;
  }
  if (!card().classList.contains("desk--multi")) return;
  for (const box of boxes()) box.checked = draft.ticked.some(({ id }) => id === box.value);
  const there = new Set(boxes().map(({ value }) => value));
  for (const label of draft.ticked) if (!there.has(label.id)) tick(label);
}

// A comment was kept: its words are not put back into the box.
function sent(form) {
  form.reset();
  for (const field of form.querySelectorAll("textarea")) field.value = "";
  save();
}

function forget(task) {
  const { [task]: _gone, ...others } = drafts();
  keep(others);
}

export function keepDrafts() {
  document.addEventListener("input", (event) => card()?.contains(event.target) && save());
  document.addEventListener("change", (event) => card()?.contains(event.target) && save());
  document.addEventListener("desk:decided", ({ detail }) => forget(detail.task));
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const isDone = detail.xhr.status === 200 && detail.requestConfig.elt.matches?.("[data-moves-on]");
    if (isDone) forget(card()?.dataset.task);
    const isNote = detail.xhr.status === 200 && detail.requestConfig.elt.matches?.(".note__form");
    if (isNote) sent(detail.requestConfig.elt);
  });
}
