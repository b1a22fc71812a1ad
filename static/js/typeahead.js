// Find a label of the taxonomy: the name first, then its path and its description.
const SHOWN = 12;

let labels = null; // [{id, name, path, description, words…}], fetched once per page
let matches = [];
let active = 0;

const field = () => document.getElementById("find");
const list = () => document.getElementById("find-list");

export function openTypeahead(control) {
  control.focus();
  control.select();
  load();
}

export function closeTypeahead() {
  const box = list();
  if (!box) return;
  box.hidden = true;
  box.replaceChildren();
  matches = [];
  field().setAttribute("aria-expanded", "false");
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
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest?.("#find-list [role=option]");
    if (!option) return;
    event.preventDefault(); // keeps the focus in the field
    choose(matches[Number(option.dataset.place)]);
  });
}

function prepare() {
  const combobox = { role: "combobox", "aria-expanded": "false", "aria-controls": "find-list" };
  for (const [name, value] of Object.entries(combobox)) field().setAttribute(name, value);
  field().setAttribute("aria-autocomplete", "list");
  load();
}

// The server answers "not modified" until the taxonomy is published anew.
async function load() {
  if (labels) return;
  const url = document.getElementById("task")?.dataset.labels;
  if (!url) return;
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const rows = await answer.json();
  labels = rows.map(([id, name, path, description]) => ({
    id, name, path, description,
    lowName: name.toLowerCase(),
    lowPath: path.toLowerCase(),
    lowDescription: description.toLowerCase(),
  }));
  if (field()?.value && document.activeElement === field()) show();
}

const startsWord = (text, word) => {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) return true;
  }
  return false;
};

// Lower is better; null when the word stands nowhere.
function distance(label, word, isFirst) {
  if (isFirst && label.lowName.startsWith(word)) return 0;
  if (startsWord(label.lowName, word)) return 1;
  if (label.lowName.includes(word)) return 2;
  if (startsWord(label.lowPath, word)) return 3;
  if (startsWord(label.lowDescription, word)) return 4;
  if (label.lowPath.includes(word) || label.lowDescription.includes(word)) return 5;
  return null;
}

export function search(all, text, most = SHOWN) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found = [];
  for (const label of all) {
    let sum = 0;
    for (let place = 0; place < words.length && sum !== null; place += 1) {
      const step = distance(label, words[place], place === 0);
      sum = step === null ? null : sum + step;
    }
    if (sum !== null) found.push({ label, sum });
  }
  found.sort((a, b) => a.sum - b.sum || a.label.name.length - b.label.name.length);
  return found.slice(0, most).map(({ label }) => label);
}

function show() {
  const text = field().value.trim();
  if (!labels || !text) {
    closeTypeahead();
    return;
  }
  matches = search(labels, text);
  active = 0;
  list().replaceChildren(...(matches.length ? matches.map(option) : [nothing(text)]));
  list().hidden = false;
  field().setAttribute("aria-expanded", "true");
  mark();
}

function option(label, place) {
  const row = document.createElement("li");
  row.id = `found-${place}`;
  row.role = "option";
  row.dataset.place = place;
  row.append(
    text("span", "find__name", label.name),
    text("span", "find__path", label.path),
    text("span", "find__description", label.description),
  );
  return row;
}

function text(tag, name, words) {
  const element = document.createElement(tag);
  element.className = name;
  element.dir = "auto";
  element.textContent = words;
  return element;
}

function nothing(words) {
  const row = text("li", "find__nothing", `No label has “${words}” in its name, path or description.`);
  row.role = "presentation";
  return row;
}

function mark() {
  list().querySelectorAll("[role=option]").forEach((row, place) => {
    row.setAttribute("aria-selected", String(place === active));
    if (place === active) row.scrollIntoView({ block: "nearest" });
  });
  if (matches.length) field().setAttribute("aria-activedescendant", `found-${active}`);
  else field().removeAttribute("aria-activedescendant");
}

function steer(event) {
  if (event.target !== field() || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && matches.length) {
    event.preventDefault();
    active = (active + step + matches.length) % matches.length;
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (!event.repeat && matches.length) choose(matches[active]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    field().value = "";
    closeTypeahead();
    field().blur();
  }
}

function choose(label) {
  const form = document.getElementById("decision");
  if (!label || !form) return;
  if (document.getElementById("task").classList.contains("desk--multi")) tick(form, label);
  else decide(form, label);
}

// Single label: the decision. A button, so that it is sent as any other choice.
function decide(form, label) {
  const button = document.createElement("button");
  button.name = "label";
  button.value = label.id;
  button.dataset.name = label.name;
  button.hidden = true;
  form.append(button);
  button.click();
  button.remove();
}

// Several labels: one more ticked box; the field is ready for the next.
function tick(form, label) {
  tickFound(label, form);
  field().value = "";
  closeTypeahead();
  field().blur();
}

// Ticks a label of the taxonomy, {id, name, path}, whether or not the card offers it.
export function tickFound(label, form = document.getElementById("decision")) {
  let box = form.querySelector(`input[name=label][value="${label.id}"]`);
  if (!box) {
    const row = document.createElement("li");
    const choice = document.createElement("label");
    choice.className = "choice";
    box = document.createElement("input");
    Object.assign(box, { type: "checkbox", name: "label", value: label.id });
    const names = text("span", "choice__names", "");
    names.append(text("span", "choice__name", label.name), " ", text("span", "choice__path", label.path));
    choice.append(box, names);
    row.append(choice);
    const found = document.getElementById("found");
    found.append(row);
    found.hidden = false;
  }
  box.checked = true;
}
