// Bulk: keys, a checkbox for all of a group, and how many are checked. Without this it is a form.
import { areOff } from "./keys.js";

const form = document.getElementById("bulk");
const boxes = (root = form) => (root ? [...root.querySelectorAll("[name=task]")] : []);

function tell() {
  const checked = boxes().filter((box) => box.checked).length;
  form.querySelector("[data-checked]").textContent = checked === 1 ? "1 document" : `${checked} documents`;
  form.querySelector("[type=submit]").disabled = !checked;
  for (const whole of form.querySelectorAll("[data-group]")) {
    const own = boxes(whole.closest("fieldset"));
    const some = own.filter((box) => box.checked).length;
    whole.checked = some === own.length;
    whole.indeterminate = some > 0 && some < own.length;
  }
}

function check(those, checked) {
  for (const box of those) box.checked = checked;
  tell();
}

// --- Keys

function move(step) {
  const all = [...document.querySelectorAll("[data-moves]")];
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
  all[Math.min(Math.max(next, 0), all.length - 1)]?.focus();
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  a: () => form && check(boxes(), !boxes().every((box) => box.checked)),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.length === 1 && areOff()) return;
  const at = event.target;
  if (event.key === "Enter" && at.closest("a[href], button, summary")) return;
  if (event.repeat && event.key.length === 1 && !"jk".includes(event.key)) return;
  const control = document.querySelector(`[data-keys~="${CSS.escape(event.key)}"]`);
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : control && (() => control.click());
  if (!act || (event.key === "Enter" && event.repeat)) return;
  event.preventDefault();
  act();
});

if (form) {
  form.addEventListener("change", ({ target }) => {
    if (target.matches("[data-group]")) check(boxes(target.closest("fieldset")), target.checked);
    else tell();
  });
  window.addEventListener("pageshow", tell); // going back, the browser may keep what was unchecked
  tell();
}
