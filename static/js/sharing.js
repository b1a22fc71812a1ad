// Where documents of a label that is split go: keys. Without this it is a form.
import { areOff } from "./keys.js";

const form = document.getElementById("sharing");
const rows = [...form.querySelectorAll("fieldset.sharing__row")];
const place = () => rows.indexOf(document.activeElement.closest("fieldset.sharing__row"));
const goOn = form.querySelector("[data-go-on]");

function show(at) {
  const row = rows[Math.max(at, 0)];
  (row ? row.querySelector(":checked") : goOn)?.focus();
}

function choose(way) {
  const at = Math.max(place(), 0);
  const radio = rows[at]?.querySelector(`[type=radio][value="${way}"]`);
  if (!radio) return;
  radio.checked = true;
  show(at + 1);
}

const keys = {
  j: () => show(Math.min(place() + 1, rows.length - 1)),
  k: () => show(place() - 1),
  Enter: () => goOn.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key, target } = event;
  if (target.matches("a, button, summary, textarea, input:not([type=radio])")) return;
  if (key.length === 1 && areOff()) return;
  const act = Object.hasOwn(keys, key) ? keys[key] : /^\d$/.test(key) && rows.length ? () => choose(key) : null;
  if (!act) return;
  event.preventDefault();
  act();
});
