// The tree by keyboard: arrows walk the rows that are seen, open branches and close them. One row
// at a time can be reached by Tab.
import { watchMoves } from "./tree_moves.js";
import { linkOf, rowAt, tree } from "./tree_rows.js";

const below = (row) => row.querySelector(":scope > details[open] > ul > li:has([data-label])");
const above = (row) => row.parentElement.closest("#tree li");

function next(row) {
  const child = below(row);
  if (child) return child;
  let at = row;
  while (at && !at.nextElementSibling) at = above(at);
  return at?.nextElementSibling;
}

function lastSeen(row) {
  let at = row;
  while (below(at)) at = below(at).parentElement.lastElementChild;
  return at;
}

function before(row) {
  return row.previousElementSibling ? lastSeen(row.previousElementSibling) : above(row);
}

function last() {
  const list = tree().matches("ul") ? tree() : tree().querySelector("ul");
  return lastSeen(list.lastElementChild);
}

const branch = (row) => row.querySelector(":scope > details");

function open(row) {
  if (branch(row)?.open) return below(row);
  if (branch(row)) branch(row).open = true;
  return null;
}

function close(row) {
  if (!branch(row)?.open) return above(row);
  branch(row).open = false;
  return null;
}

const STEPS = {
  ArrowDown: next,
  ArrowUp: before,
  ArrowRight: open,
  ArrowLeft: close,
  Home: () => tree().querySelector("li"),
  End: last,
};

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const row = rowAt(event.target);
  if (!step || !row || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  const to = step(row);
  if (to) linkOf(to).focus();
});

// --- One stop for Tab, and what a branch says of itself

function rove(row) {
  tree().querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
  linkOf(row).tabIndex = 0;
}

function prepare() {
  for (const each of tree()?.querySelectorAll("[data-label]:not([tabindex])") ?? []) {
    each.tabIndex = -1;
    const details = branch(rowAt(each));
    if (!details) continue;
    details.querySelector("summary").tabIndex = -1;
    each.ariaExpanded = String(details.open);
  }
  const first = tree()?.querySelector("li:has([data-label])");
  if (first && !tree().querySelector("[tabindex='0']")) rove(first);
}

document.addEventListener("focusin", ({ target }) => {
  const row = rowAt(target);
  if (row) rove(row);
});

document.addEventListener(
  "toggle",
  ({ target }) => {
    const row = rowAt(target);
    if (row) linkOf(row).ariaExpanded = String(target.open);
  },
  true,
);

document.addEventListener("htmx:afterSettle", prepare);
prepare();
watchMoves();
