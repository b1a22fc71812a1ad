// Labels of which only one can be given: choosing one unticks the other. The server refuses both.

// Ids from the label that says so down to the one above this; empty for most.
export const lineOf = (box) => box.dataset.oneOf?.split(" ") ?? [];

function clash(one, two) {
  const [line, other] = [lineOf(one), lineOf(two)];
  if (!line.length || line[0] !== other[0]) return false;
  return !line.includes(two.value) && !other.includes(one.value); // above or below: both are right
}

const nameOf = (box) => box.closest("label").querySelector(".choice__name")?.textContent.trim() ?? "";

export function keepOne(box) {
  if (!box.checked) return;
  const others = [...box.form.querySelectorAll("input[name=label]:checked")].filter((each) => each !== box);
  const gone = others.filter((each) => clash(box, each));
  for (const each of gone) each.checked = false;
  const note = document.getElementById("unticked");
  if (!note) return;
  note.textContent = gone.length ? `Unticked ${gone.map(nameOf).join(", ")}: only one of these is given.` : "";
}

export function watchOnlyOne() {
  document.addEventListener("change", ({ target }) => {
    if (target.matches?.("#decision input[name=label][type=checkbox]")) keepOne(target);
  });
}
