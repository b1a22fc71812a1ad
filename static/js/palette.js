// Ctrl-K: every command of the page with its key, and the project's other pages.
const dialog = () => document.getElementById("palette");
const field = () => document.getElementById("palette-field");
const list = () => document.getElementById("palette-list");

let active = 0;
let found = [];

function commands() {
  const rows = [...document.querySelectorAll("#keys [data-command-key]")];
  return rows.flatMap((row) => {
    const control = document.querySelector(`[data-command="${row.dataset.commandKey}"]`);
    if (!control) return [];
    const words = row.querySelector("dd").textContent;
    return [{ words, key: row.querySelector("kbd").textContent, act: () => press(control) }];
  });
}

function pages() {
  const links = [...document.querySelectorAll("nav a[href], .menu__body a[href]")];
  return links.map((link) => ({ words: `Go to ${link.textContent.trim()}`, key: "", act: () => link.click() }));
}

function press(control) {
  if (control.matches("[type=search]")) control.focus();
  else control.click();
}

function show() {
  const words = field().value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...commands(), ...pages()];
  found = all.filter((each) => words.every((word) => each.words.toLowerCase().includes(word)));
  active = 0;
  list().replaceChildren(...found.map(option));
  if (!found.length) {
    const nothing = { role: "presentation", textContent: "No command or page has these words." };
    list().append(Object.assign(document.createElement("li"), nothing));
  }
  mark();
}

function option({ words, key }, place) {
  const row = document.createElement("li");
  row.id = `palette-${place}`;
  row.role = "option";
  row.dataset.place = place;
  row.append(Object.assign(document.createElement("span"), { textContent: words }));
  if (key) row.append(Object.assign(document.createElement("kbd"), { textContent: key }));
  return row;
}

function mark() {
  list().querySelectorAll("[role=option]").forEach((row, place) => {
    row.setAttribute("aria-selected", String(place === active));
    if (place === active) row.scrollIntoView({ block: "nearest" });
  });
  field().setAttribute("aria-activedescendant", found.length ? `palette-${active}` : "");
}

function choose(place) {
  const chosen = found[place];
  dialog().close();
  chosen?.act();
}

function steer(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && found.length) {
    event.preventDefault();
    active = (active + step + found.length) % found.length;
    mark();
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    choose(active);
  }
}

export function watchPalette() {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    if (event.altKey || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    field().value = "";
    dialog().showModal();
    show();
  });
  field()?.addEventListener("input", show);
  field()?.addEventListener("keydown", steer);
  list()?.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) choose(Number(row.dataset.place));
  });
}
