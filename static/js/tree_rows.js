// A row of the tree is a list item with the link of its label.
export const tree = () => document.getElementById("tree");

export const linkOf = (row) => row.querySelector("[data-label]");

export const nameOf = (row) => linkOf(row).textContent;

// The row an element stands in; none for a list of labels that were found.
export function rowAt(element) {
  const row = element?.closest?.("#tree li");
  return row && linkOf(row) ? row : null;
}
