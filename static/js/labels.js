// The labels of the taxonomy, and which of them this person and the project use: fetched once a page.
import { CANDIDATE, frequent, index, recent } from "./ranking.js";

const RECENT_MOST = 50;

let all = null; // what ranking.js made of the labels
let places = new Map(); // id of a label to its place among them
let usage = { recent: [], frequent: [] }; // ids, the last and the most frequent first
let loading = null;

const task = () => document.getElementById("task");

async function get(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}

// The server answers "not modified" until the taxonomy is published anew.
export function load() {
  if (all || loading || !task()?.dataset.labels) return loading;
  const { labels, usage: used } = task().dataset;
  loading = Promise.all([get(labels), used ? get(used) : usage])
    .then(([rows, known]) => {
      all = index(rows);
      places = new Map(rows.map(([id], place) => [id, place]));
      usage = known;
    })
    .catch(() => {}) // tried again when the field is opened next
    .finally(() => { loading = null; });
  return loading;
}

export const labels = () => all;

const placesOf = (ids) => ids.map((id) => places.get(id)).filter((place) => place !== undefined);

// What a person sees before typing: places of labels, those used last, then those used most.
export function favourites(most) {
  const last = placesOf(usage.recent).slice(0, most);
  const rest = placesOf(usage.frequent).filter((place) => !last.includes(place));
  return { last, often: rest.slice(0, most - last.length) };
}

// What counts in favour of each label by its place: used lately, often, or a candidate of the card.
export function favour() {
  const bonus = new Float64Array(all.rows.length);
  placesOf(usage.frequent).forEach((place, rank) => { bonus[place] = frequent(rank); });
  placesOf(usage.recent).forEach((place, rank) => { bonus[place] = Math.max(bonus[place], recent(rank)); });
  for (const control of document.querySelectorAll("#decision [name=label]")) {
    const place = places.get(Number(control.value));
    const bar = control.closest(".choice")?.querySelector("meter");
    if (place !== undefined && bar) bonus[place] += CANDIDATE * bar.value;
  }
  return bonus;
}

// A decision was sent: its labels are the last used.
export function remember(ids) {
  const others = usage.recent.filter((id) => !ids.includes(id));
  usage = { ...usage, recent: [...ids, ...others].slice(0, RECENT_MOST) };
}
