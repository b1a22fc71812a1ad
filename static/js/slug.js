// Suggests the short name of a project while its name is typed; a slug typed by hand stays.
const source = document.querySelector("[data-slug-source]");
const slug = source && document.getElementById(source.dataset.slugSource);

const slugify = (text) =>
  text
    .normalize("NFKD")
    .replace(/[^\w\s-]/g, "")
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "-")
    .slice(0, 50);

if (slug) {
  let suggested = slug.value;
  source.addEventListener("input", () => {
    if (slug.value !== suggested) return;
    suggested = slugify(source.value);
    slug.value = suggested;
  });
}
