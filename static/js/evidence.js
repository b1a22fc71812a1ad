// Marks in the text of a document the passage that moves its prediction most, once it is known.
const NAME = "moving"; // of the highlight, as evidence.css paints it

const OWN = "#task .desk__body > .verbatim, #task .desk__subject"; // what the writer says

function rangeOf(passage) {
  for (const { firstChild: node } of document.querySelectorAll(OWN)) {
    const start = node?.data?.indexOf(passage) ?? -1;
    if (start < 0) continue;
    const range = new Range();
    range.setStart(node, start);
    range.setEnd(node, start + passage.length);
    return range;
  }
  return null;
}

function mark() {
  const passage = document.querySelector("#evidence [data-passage]")?.textContent;
  const range = passage && rangeOf(passage);
  if (range) CSS.highlights.set(NAME, new Highlight(range));
  else CSS.highlights.delete(NAME);
}

export function markPassages() {
  if (!globalThis.CSS?.highlights) return; // an old browser shows the passage below the text alone
  document.addEventListener("htmx:afterSettle", mark);
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    const asked = detail.requestConfig?.elt.matches?.("#evidence form"); // Look again had the focus
    if (asked) document.getElementById("evidence")?.focus();
  });
}
