// The rows under the field: labels as options, headings, and the words for nothing found.
// Everything a label says goes in as text, never as markup.
import { chainedParts, matchedParts } from "./matched_parts.js";
import { words } from "./words.js";

export function text(tag, name, said) {
  const element = document.createElement(tag);
  element.className = name;
  element.dir = "auto";
  element.textContent = said;
  return element;
}

// said: a text, its *spans* set off.
function marked(name, said, spans) {
  const element = text("span", name, "");
  let from = 0;
  for (const [start, end] of spans) {
    const mark = document.createElement("mark");
    mark.textContent = said.slice(start, end);
    element.append(said.slice(from, start), mark);
    from = end;
  }
  element.append(said.slice(from));
  return element;
}

// What was typed, set off in the name, then what the name lacks in an alias, the path, the description.
function matched([, name, path, description, aliases = []], query) {
  const typed = words(query);
  const parts = (said, left) => {
    const found = matchedParts(said, left);
    const chained = found.left.length && typed.length === 1 && chainedParts(said, typed[0]);
    return chained ? { spans: chained, left: [] } : found;
  };
  const inName = parts(name, typed);
  const alias = aliases.find((each) => parts(each, inName.left).left.length < inName.left.length);
  const inAlias = parts(alias ?? "", inName.left);
  const inPath = matchedParts(path, inAlias.left);
  const inDescription = matchedParts(description, inPath.left);
  return [
    marked("find__name", name, inName.spans),
    marked("find__path", path, inPath.spans),
    ...(alias ? [marked("find__alias", alias, inAlias.spans)] : []),
    marked("find__description", description, inDescription.spans),
  ];
}

export function option(row, place, query) {
  const element = document.createElement("li");
  element.id = `found-${place}`;
  element.role = "option";
  element.dataset.place = place;
  element.append(...matched(row, query));
  return element;
}

export function heading(said) {
  const element = text("li", "find__heading eyebrow", said);
  element.role = "presentation";
  return element;
}

export function nothing(query) {
  const said = `No label has “${query}” in its name, aliases, path or description.`;
  const element = text("li", "find__nothing", said);
  element.role = "presentation";
  return element;
}
