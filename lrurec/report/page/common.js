"use strict";
// What the pages share: elements, tables, charts. Each page's own script follows it.

const read = () => JSON.parse(document.getElementById("data").textContent);

// ---- small helpers -------------------------------------------------------------------------------------

/** An element; children may be strings, which never become markup. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const main = document.getElementById("main");
const whole = (x) => x.toLocaleString("en-US");
const fixed = (x, digits = 4) => (typeof x === "number" && isFinite(x) ? x.toFixed(digits) : "");

function section(title, note, ...content) {
  main.append(el("section", {}, el("h2", {}, title), note ? el("p", { class: "note" }, note) : null, ...content));
}

/** Rows of cells; the first is the header. A cell is text or an element. */
function table(rows, kind) {
  const row = (cells, tag) => {
    const line = el("tr", {}, ...cells.map((cell) => el(tag, {}, cell)));
    if (cells.marked) line.className = "differs";
    return line;
  };
  return el("div", { class: "scroll" },
    el("table", kind ? { class: kind } : {},
      el("thead", {}, row(rows[0], "th")), el("tbody", {}, ...rows.slice(1).map((cells) => row(cells, "td")))));
}

// ---- charts --------------------------------------------------------------------------------------------

// Okabe and Ito's colours, which remain distinct to the colour-blind; the last one follows the theme.
// From the seventh on, for the nine models of a comparison: grey, brown and olive.
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777", "#7b4b2a", "#8a8a00"];
const coloursOnDark = ["#56b4e9", "#ff8f4a", "#2fd3a0", "#e79fc6", "#f2b93b", "#8fd0ff", "#b5b5b5", "#c99b7a", "#d6d65c"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colour = (i) => (dark.matches ? coloursOnDark : colours)[i % colours.length];
const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const drawings = [];

/** A panel with a chart; `make` gives Chart.js's configuration and is asked again when the theme changes. */
function chart(title, description, make) {
  const canvas = el("canvas", { role: "img", "aria-label": `${title}. ${description}` });
  drawings.push({ canvas, make, drawn: null });
  return el("figure", { class: "chart" }, el("h3", {}, title), el("div", { class: "canvas" }, canvas));
}

function draw() {
  Chart.defaults.color = themed("--soft");
  Chart.defaults.borderColor = themed("--line");
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const drawing of drawings) {
    if (drawing.drawn) drawing.drawn.destroy();
    const configuration = drawing.make();
    configuration.options = { animation: false, responsive: true, maintainAspectRatio: false, ...configuration.options };
    drawing.drawn = new Chart(drawing.canvas, configuration);
  }
}

const axis = (text, more) => ({ title: { display: Boolean(text), text }, ...more });

/** Marks, so that lines are told apart without colour. */
const marks = ["circle", "rect", "triangle", "rectRot", "star", "crossRot"];
/** Of line i: all of few points, else about fifteen, not at the same places as those of its neighbours. */
function marked(i, count) {
  const every = count > 31 ? Math.ceil(count / 15) : 1;
  return { pointStyle: marks[i % marks.length], pointRadius: (point) => (point.dataIndex % every === (2 * i) % every ? 4 : 0) };
}

/** A legend's samples: line and mark, as in the chart. */
function samples(chart) {
  return Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) => {
    const set = chart.data.datasets[item.datasetIndex];
    const canvas = el("canvas", { width: 40, height: 14 }), pen = canvas.getContext("2d");
    pen.strokeStyle = pen.fillStyle = set.borderColor;
    pen.lineWidth = 2;
    pen.setLineDash(set.borderDash || []);
    pen.beginPath();
    pen.moveTo(0, 7);
    pen.lineTo(40, 7);
    pen.stroke();
    pen.setLineDash([]);
    Chart.helpers.drawPoint(pen, { pointStyle: set.pointStyle, radius: 4, borderWidth: 1 }, 20, 7);
    return { ...item, pointStyle: canvas };
  });
}
const legendOfLines = { position: "bottom", labels: { usePointStyle: true, pointStyleWidth: 40, padding: 14, generateLabels: samples } };

/** Lines over training steps: series of {label, points: [{x, y}], dashed, look}; look: which colour and mark, by its place unless given. */
function lines(title, description, unit, series, more, along = "step") {
  return chart(title, description, () => ({
    type: "line",
    data: {
      datasets: series.map((s, place) => [s, s.look ?? place]).map(([s, i]) => ({
        label: s.label, data: s.points, borderColor: colour(i), backgroundColor: colour(i), borderWidth: 2,
        borderDash: s.dashed ? [6, 4] : [], ...marked(i, s.points.length), pointHitRadius: 8, parsing: false,
      })),
    },
    options: {
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: { x: axis(along, { type: "linear" }), y: axis(unit, more) },
      plugins: { legend: { display: series.length > 1, ...legendOfLines } },
    },
  }));
}

/** What the numbers below it mean, without what is not the same for all of them. */
function protocol(card, without) {
  const entries = Object.entries(card).filter(([key]) => !without.includes(key));
  return el("dl", { class: "protocol" }, ...entries.map(([key, value]) =>
    el("div", {}, el("dt", {}, key.replaceAll("_", " ")), el("dd", {}, typeof value === "number" ? whole(value) : String(value)))));
}

/** At the end of a page's script. */
function finish() {
  draw();
  dark.addEventListener("change", draw);
  document.documentElement.dataset.charts = String(drawings.length);
}
