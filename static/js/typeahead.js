// Find a label of the taxonomy by typing: the field, its list and its keys.
import { heading, nothing, option, text } from "./found_list.js";
import { favour, favourites, labels, load, remember } from "./labels.js";
import { keepOne } from "./only_one.js";
import { search } from "./ranking.js";

const SHOWN = 12;

let matches = []; // the labels in the list, as the server sent them
let active = -1; // which of them Enter chooses; none before anything is typed
let bonus = null; // what speaks for each label, known when the field is opened

const field = () => document.getElementById("find");
const list = () => document.getElementById("find-list");
const said = () => document.getElementById("find-said");

export function openTypeahead(control) {
  control.focus();
  control.select();
}

// Any letter that is no key of the page opens the field, and is its first.
export function openWith(event) {
  if (!field() || !/^\p{L}$/u.test(event.key)) return;
  field().value = "";
  field().focus(); // before the letter is typed, so that the browser types it here
}

export function closeTypeahead() {
  const box = list();
  if (!box) return;
  box.hidden = true;
  box.replaceChildren();
  matches = [];
  if (field().role) field().setAttribute("aria-expanded", "false"); // a combobox since it was opened
  field().removeAttribute("aria-activedescendant");
}

export function watchTypeahead() {
  document.addEventListener("input", (event) => event.target === field() && show());
  document.addEventListener("focusin", (event) => event.target === field() && prepare());
  document.addEventListener("focusout", (event) => event.target === field() && closeTypeahead());
  document.addEventListener("keydown", steer, true);
  document.addEventListener("submit", (event) => {
    if (field()?.form === event.target) event.preventDefault();
  });
  document.addEventListener("submit", learn, true); // ahead.js lets no decision come further
  document.addEventListener("pointerdown", (event) => {
    const row = event.target.closest?.("#find-list [role=option]");
    if (!row) return;
    event.preventDefault(); // keeps the focus in the field
    choose(matches[Number(row.dataset.place)]);
  });
  load();
}

function learn({ target, submitter }) {
  if (target.id === "decision") remember(new FormData(target, submitter).getAll("label").map(Number));
}

async function prepare() {
  const combobox = { role: "combobox", "aria-expanded": "false", "aria-controls": "find-list" };
  for (const [name, value] of Object.entries(combobox)) field().setAttribute(name, value);
  field().setAttribute("aria-autocomplete", "list");
  bonus = null;
  if (!labels()) await load();
  if (document.activeElement === field()) show();
}

function show() {
  if (!labels()) return;
  const query = field().value.trim();
  bonus ??= favour();
  const rows = query ? found(query) : offered();
  if (!rows.length) {
    closeTypeahead();
    return;
  }
  list().replaceChildren(...rows);
  place();
  list().hidden = false;
  field().setAttribute("aria-expanded", "true");
  mark();
}

// Above the field or below it, where there is more room. The room is written at the root: htmx
// copies the attributes of what it swaps, and a style attribute is against the page's policy.
function place() {
  const { top, bottom } = field().getBoundingClientRect();
  const below = window.innerHeight - bottom;
  list().classList.toggle("find__list--below", below > top);
  document.documentElement.style.setProperty("--find-room", `${Math.max(top, below) - 16}px`);
}

function found(query) {
  matches = search(labels(), query, SHOWN, bonus).map((place) => labels().rows[place]);
  active = matches.length ? 0 : -1;
  tell(matches.length ? `${matches.length} labels` : "No label found");
  if (!matches.length) return [nothing(query)];
  return matches.map((row, place) => option(row, place, query));
}

// Before anything is typed Enter chooses nothing: the arrows first.
function offered() {
  const { last, often } = favourites(SHOWN);
  matches = [...last, ...often].map((place) => labels().rows[place]);
  active = -1;
  tell("");
  const options = matches.map((row, place) => option(row, place, ""));
  return [
    ...(last.length ? [heading("Your last"), ...options.slice(0, last.length)] : []),
    ...(often.length ? [heading("Used most"), ...options.slice(last.length)] : []),
  ];
}

function tell(words) {
  if (said()) said().textContent = words;
}

function mark() {
  list().querySelectorAll("[role=option]").forEach((row, place) => {
    row.setAttribute("aria-selected", String(place === active));
    if (place === active) row.scrollIntoView({ block: "nearest" });
  });
  if (active >= 0) field().setAttribute("aria-activedescendant", `found-${active}`);
  else field().removeAttribute("aria-activedescendant");
}

function steer(event) {
  if (event.target !== field() || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && matches.length) {
    event.preventDefault();
    active = active < 0 && step < 0 ? matches.length - 1 : (active + step + matches.length) % matches.length;
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (!event.repeat) choose(matches[active]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    field().value = "";
    closeTypeahead();
    field().blur();
  }
}

function choose(row) {
  const form = document.getElementById("decision");
  if (!row || !form) return;
  if (document.getElementById("task").classList.contains("desk--multi")) tick(form, row);
  else decide(form, row);
}

// Single label: the decision. A button, so that it is sent as any other choice.
function decide(form, [id, name]) {
  const button = document.createElement("button");
  button.name = "label";
  button.value = id;
  button.dataset.name = name;
  button.hidden = true;
  form.append(button);
  button.click();
  button.remove();
}

// Several labels: one more ticked box; the field is ready for the next.
function tick(form, [id, name, path, _description, _aliases, oneOf]) {
  tickFound({ id, name, path, oneOf }, form);
  field().value = "";
  closeTypeahead();
  field().blur();
}

// Ticks a label of the taxonomy whether or not the card offers it.
export function tickFound({ id, name, path, oneOf }, form = document.getElementById("decision")) {
  let box = form.querySelector(`input[name=label][value="${id}"]`);
  if (!box) {
    const row = document.createElement("li");
    const choice = document.createElement("label");
    choice.className = "choice";
    box = document.createElement("input");
    Object.assign(box, { type: "checkbox", name: "label", value: id });
    if (oneOf?.length) box.dataset.oneOf = oneOf.join(" ");
    const names = text("span", "choice__names", "");
    names.append(text("span", "choice__name", name), " ", text("span", "choice__path", path));
    choice.append(box, names);
    row.append(choice);
    const found = document.getElementById("found");
    found.append(row);
    found.hidden = false;
  }
  box.checked = true;
  keepOne(box);
}
