// The keys this person presses. The page comes with the usual ones; the overlay says their own.
const own = () =>
  [...document.querySelectorAll("#keys [data-command-key]")].map((row) => [
    row.dataset.commandKey,
    row.querySelector("kbd").textContent,
  ]);

export function applyKeys(root = document) {
  for (const [command, key] of own()) {
    for (const control of root.querySelectorAll(`[data-command="${command}"]`)) {
      const [usual, ...more] = control.dataset.keys.split(" ");
      if (usual === key) continue;
      control.dataset.keys = [key, ...more].join(" ");
      const hint = control.querySelector("kbd") ?? control.parentElement.querySelector("kbd");
      if (hint) hint.textContent = key;
    }
  }
}

// The control a key stands for, if it is on the page.
export const controlOf = (key) => document.querySelector(`[data-keys~="${CSS.escape(key)}"]`);

export const keyOf = (command) => own().find(([name]) => name === command)?.[1];

// Whether this person's single keys do nothing.
export const areOff = () => document.querySelector("[data-keys-off]") !== null;
