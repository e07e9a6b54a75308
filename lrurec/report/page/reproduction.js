"use strict";
// Draws the page of lrurec reproduce from the JSON beside it, which reproduce::outcome gives.

const outcome = read();
const kind = outcome.kind;

const digits = (x) => (x >= 100 ? 0 : x >= 1 ? 1 : kind === "statistics" ? 6 : 5);
const number = (x) => (typeof x !== "number" ? "" : x >= 100 ? whole(Math.round(x)) : fixed(x, digits(x)));
const signed = (x) => (typeof x === "number" ? `${x >= 0 ? "+" : "\u2212"}${fixed(Math.abs(x), 1)}%` : "");
/** A model has one colour and one mark in all charts. */
const variantsInOrder = [...new Set(outcome.rows.map((row) => row.variant))];
const titles = new Map(outcome.rows.map((row) => [row.variant, row.title]));
const lookOf = (variant) => variantsInOrder.indexOf(variant);
const rowsOf = (data) => outcome.rows.filter((row) => row.data === data.name);

function heading() {
  document.getElementById("title").textContent = outcome.title;
  document.getElementById("subtitle").textContent =
    "Yue et al., Linear Recurrent Units for Sequential Recommendation, WSDM 2024, beside what came out here"
    + (kind === "statistics" ? "." : ` (seed ${outcome.seeds.join(", ")}).`);
  if (outcome.note) main.append(el("p", { class: "note" }, outcome.note));
  if (outcome.max_steps) {
    main.append(el("p", { class: "warning" }, `No training went further than ${whole(outcome.max_steps)} steps (--max-steps).`));
  }
}

function warnings(data) {
  const found = [];
  if (data.generated) found.push(`${data.title} cannot be had. These numbers are of generated data in its shape and no comparison with the paper's.`);
  else if (!data.the_papers) found.push(`${data.file} has ${whole(data.users)} users and ${whole(data.items)} items, which is not the paper's ${data.title}: its numbers are of other data.`);
  for (const run of outcome.runs) {
    if (run.data !== data.name || !run.trained) continue;
    found.push(`${titles.get(run.variant)}, seed ${run.seed}, was trained ${run.trained}: its seconds are of that.`);
  }
  return found.map((text) => el("p", { class: "warning" }, text));
}

/** Ours, under it how many seeds it is of, the interval, the deviation over seeds, the paper's number and the difference. */
function cell(row) {
  if (!row) return "";
  const more = [];
  if (row.wanted) more.push(`${row.values.length} of ${row.wanted} seeds`);
  if (row.interval) more.push(`${fixed(row.interval[0])} – ${fixed(row.interval[1])}`);
  if (row.deviation !== undefined) more.push(`± ${fixed(row.deviation, 5)} over seeds`);
  if (row.paper !== undefined) more.push(`paper ${number(row.paper)} ${signed(row.difference_percent)}`);
  return el("span", {}, row.value === undefined ? "has not run" : el("b", {}, number(row.value)),
    ...more.map((text) => el("small", {}, text)));
}

function tableOf(data) {
  const rows = rowsOf(data);
  if (kind === "statistics") {
    return table([["", "here", "paper", "difference"],
      ...rows.map((row) => [row.metric, number(row.value), number(row.paper), signed(row.difference_percent)])]);
  }
  const variants = [...new Set(rows.map((row) => row.variant))];
  const find = (variant, metric) => rows.find((row) => row.variant === variant && row.metric === metric);
  const sampled = rows.some((row) => row.sampled) ? "sampled " : "";
  return table([["", ...outcome.metrics.map((metric) => sampled + metric)],
    ...variants.map((variant) => [find(variant, outcome.metrics[0]).title, ...outcome.metrics.map((m) => cell(find(variant, m)))])]);
}

/** Ours with its interval, and the paper's, of each variant. */
function beside(data, metric) {
  const rows = rowsOf(data).filter((row) => row.metric === metric);
  const labels = rows.map((row) => row.title);
  const dots = (key, colourOf, style) => ({
    type: "scatter", label: key === "value" ? "here" : "paper", pointStyle: style, radius: 5, backgroundColor: colourOf,
    borderColor: colourOf, order: 0, data: rows.filter((row) => row[key] !== undefined).map((row) => ({ x: row[key], y: row.title })),
  });
  const name = rows.some((row) => row.sampled) ? `sampled ${metric}` : metric;
  return chart(`${name}, ${data.title}`, "Here and in the paper.", () => ({
    type: "bar",
    data: { labels, datasets: [
      dots("value", themed("--ink"), "circle"), dots("paper", colour(1), "rectRot"),
      ...(rows.some((row) => row.interval)
        ? [{ label: "95% of resamplings of the users" + (outcome.seeds.length > 1 ? ", mean of the seeds" : ""), data: rows.map((row) => row.interval || null), backgroundColor: colour(5), barThickness: 12, order: 1 }]
        : []),
    ] },
    options: { indexAxis: "y", scales: { x: axis(kind === "eigenvalues" ? "mean |λ|" : metric, {}), y: { type: "category", labels } },
               plugins: { legend: { position: "bottom", labels: { usePointStyle: true } } } },
  }));
}

/** Figure 4: test Recall@10 along one setting. */
function along(data, one) {
  const rows = one.variants.map((variant) => rowsOf(data).find((row) => row.variant === variant)).filter(Boolean);
  const labels = one.variants.map((variant) => variant.split("=")[1]);
  const series = (key) => one.variants.map((variant) => (rows.find((row) => row.variant === variant) || {})[key] ?? null);
  const line = (label, key, i, dash) => ({ label, data: series(key), borderColor: colour(i), backgroundColor: colour(i), borderDash: dash, spanGaps: true, ...marked(i, labels.length) });
  return chart(`${outcome.metrics[0]} by ${one.setting.replaceAll("_", " ")}, ${data.title}`, "Here and in the paper.", () => ({
    type: "line",
    data: { labels, datasets: [line("here", "value", 0, []), line("paper, read off its figure", "paper", 1, [6, 4])] },
    options: { scales: { x: axis(one.setting.replaceAll("_", " ")), y: axis(outcome.metrics[0], {}) },
               plugins: { legend: legendOfLines } },
  }));
}

function curvesOf(data) {
  const curves = outcome.curves.filter((curve) => curve.data === data.name && curve.points.length);
  if (!curves.length) return [];
  const series = (x) => curves.map((curve) => ({ label: curve.title, look: lookOf(curve.variant), points: curve.points.map((p) => ({ x: p[x], y: p.value })) }));
  return [lines("Validation Recall@10", "Over training steps.", "", series("step"), { beginAtZero: true }),
          lines("Validation Recall@10 over time", "Over seconds of training, validation left out.", "", series("seconds"), { beginAtZero: true }, "s")];
}

/** Figure 1, right: what 2,048 events take, one after the other. */
function incremental() {
  const found = Object.entries(outcome.incremental || {}).sort(([a], [b]) => lookOf(a) - lookOf(b));
  if (!found.length) return [];
  const title = (variant) => outcome.rows.find((row) => row.variant === variant).title;
  const series = found.map(([variant, one]) => ({
    look: lookOf(variant), label: title(variant) + (one.incremental ? "" : ", the whole history for each"),
    points: one.by_length.map((line) => ({ x: line.events, y: line.cumulative_seconds })),
  }));
  return [lines("Events one by one, with the ten best items after each", "Cumulative seconds.", "s", series, { type: "logarithmic" }, "events")];
}

function chartsOf(data) {
  if (kind === "metrics") return ["NDCG@10", "Recall@10"].map((metric) => beside(data, metric)).concat(curvesOf(data));
  if (kind === "eigenvalues") return outcome.metrics.map((metric) => beside(data, metric));
  if (kind === "sensitivity") return outcome.axes.map((one) => along(data, one));
  if (kind === "efficiency") return curvesOf(data).concat(incremental());
  return [];
}

function trainings() {
  if (!outcome.runs.length) return;
  section("The trainings", "Seconds are those of training steps; validation does not count.",
    table([["", "data", "seed", "steps", "best", "ended", "seconds", "folder"],
      ...outcome.runs.map((run) => [titles.get(run.variant) || run.variant, run.data, String(run.seed),
        run.steps === undefined ? "" : whole(run.steps), run.best_step === undefined ? "" : whole(run.best_step),
        run.error || run.ended || (run.steps === undefined ? "has not run" : "not finished"),
        run.seconds === undefined ? "" : whole(Math.round(run.seconds)), run.folder])], "text"));
}

heading();
for (const data of outcome.data) {
  const charts = chartsOf(data);
  section(data.title, `${data.source}, fingerprint ${data.fingerprint}`, ...warnings(data),
    data.protocol ? protocol(data.protocol, []) : null, charts.length ? el("div", { class: "charts" }, ...charts) : null, tableOf(data));
}
trainings();
finish();
