// Marks in the text of a document the passage that moves its prediction most, once it is known.
const NAME = "moving"; // of the highlight, as evidence.css paints it

function rangeOf(passage, body) {
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const start = node.data.indexOf(passage);
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
  const text = document.querySelector("#task .desk__text");
  const range = passage && text && rangeOf(passage, text);
  if (range) CSS.highlights.set(NAME, new Highlight(range));
  else CSS.highlights.delete(NAME);
}

export function markPassages() {
  if (!globalThis.CSS?.highlights) return; // an old browser shows the passage below the text alone
  document.addEventListener("htmx:afterSettle", mark);
}
