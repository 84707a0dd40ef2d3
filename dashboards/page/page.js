"use strict";
const templates = JSON.parse(document.getElementById("templates").textContent);
const config = JSON.parse(document.getElementById("config").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const template = () => (dark.matches ? templates.dark : templates.light);

// Pictures in sight are drawn first and the others while the browser is idle: a study of ten thousand
// trials fills a dozen of them. Before a page is printed all are drawn, so that none is blank.
const places = [...document.querySelectorAll(".picture")];
const draw = (place) => {
  if (!places.includes(place)) return;
  places.splice(places.indexOf(place), 1);
  observer.unobserve(place);
  const figure = JSON.parse(document.getElementById(`${place.id}-data`).textContent);
  figure.layout.template = template();
  Plotly.newPlot(place, figure.data, figure.layout, config);
  const narrow = figure.layout.meta?.narrow;
  if (narrow && place.clientWidth < 600) Plotly.relayout(place, narrow);
};
const observer = new IntersectionObserver((entries) => {
  entries.filter((one) => one.isIntersecting).forEach((one) => draw(one.target));
}, { rootMargin: "600px" });
places.forEach((place) => observer.observe(place));
const idle = window.requestIdleCallback || ((work) => setTimeout(work, 50));
const drawNext = () => {
  if (!places.length) return;
  draw(places[0]);
  idle(drawNext);
};
window.addEventListener("load", () => idle(drawNext));
window.addEventListener("beforeprint", () => {
  [...places].forEach(draw);
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
});
dark.addEventListener("change", () => {
  document.querySelectorAll(".picture.js-plotly-plot").forEach((place) => {
    Plotly.relayout(place, { template: template() });
  });
});

// Tables: a click on a header sorts, a second one turns the order around.
document.querySelectorAll("table.sortable").forEach((table) => {
  table.querySelectorAll("thead th").forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      const down = header.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value;
      const order = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
      // What a row does not have is no zero: it comes last either way.
      const compare = (a, b) => (a && b ? order(a, b) * (down ? -1 : 1) : !a - !b);
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compare(value(a), value(b)));
      table.tBodies[0].append(...rows);
    });
  });
});
document.querySelectorAll("button.copy").forEach((button) => {
  button.addEventListener("click", async () => {
    const rows = [...document.getElementById(button.dataset.table).rows];
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const text = rows.map((row) => [...row.cells]
      .map((cell) => quoted(cell.dataset.value ?? cell.textContent)).join(",")).join("\n");
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
});
