"use strict";
// Draws the page of lrurec report from the JSON beside it: an array of runs as report::describe gives them.

const runs = read();
const single = runs.length === 1;

const seriesName = (run, what) => (single ? what : `${run.name}: ${what}`);
const overSteps = (log, key) =>
  log.filter((line) => typeof line[key] === "number").map((line) => ({ x: line.step, y: line[key] }));

/** "Recall@10", or "sampled Recall@10" where that is what a line has. */
const keyOf = (line, name) => Object.keys(line).find((key) => key === name || key === "sampled " + name);

// ---- the parts of the page -----------------------------------------------------------------------------

function heading() {
  document.getElementById("title").textContent = runs.map((run) => run.name).join(" · ");
  const sources = new Set();
  for (const run of runs) {
    const card = Object.values(run.evaluations).map((e) => e.protocol).find(Boolean);
    sources.add(card ? `${card.source}: ${whole(card.users)} users evaluated, ${whole(card.items)} items`
                     : `data ${run.about.data || "unknown"}`);
  }
  document.getElementById("subtitle").textContent = [...sources].join(" · ");
}

function tile(label, value, more) {
  return el("div", { class: "tile" }, el("small", {}, label), el("b", {}, value), el("small", {}, more || "\u00a0"));
}

/** Of the test, among all items or, where there is nothing else, among some. */
const testOf = (run) => run.evaluations.test || run.evaluations["test-sampled"];

function tiles() {
  if (!single) return;
  const run = runs[0];
  const found = [];
  const test = testOf(run);
  for (const plain of ["Recall@10", "NDCG@10"]) {
    const name = run.evaluations.test ? plain : `sampled ${plain}`;
    const own = test && test.metrics && test.metrics[run.model];
    if (!own || !(name in own)) continue;
    const [low, high] = test.intervals[run.model][name];
    found.push(tile(`test ${name}`, fixed(own[name]), `${fixed(low)} – ${fixed(high)}`));
  }
  const p = run.progress;
  if (p.best >= 0) {
    const last = run.validation.at(-1);
    found.push(tile(`best validation ${last ? keyOf(last, "Recall@10") : "Recall@10"}`, fixed(p.best), `at step ${whole(p.best_step)}`));
  }
  found.push(tile("steps", whole(p.step), p.finished || "not finished"));
  found.push(tile("parameters", whole(run.parameters), "real numbers"));
  main.append(el("div", { class: "tiles" }, ...found));
}

const evaluationTitle = (name) => {
  const [split, ...rest] = name.split("-");
  return (split === "test" ? "Test" : "Validation") + " metrics" + (rest.length ? ` (${rest.join(" ")})` : "");
};

/** Models under one evaluation: those of the runs, and each baseline once. */
function rowsOf(name, alike) {
  const rows = [];
  const baselines = new Map();
  for (const run of alike) {
    const evaluation = run.evaluations[name];
    if (!evaluation || !evaluation.metrics) continue;
    for (const [model, metrics] of Object.entries(evaluation.metrics)) {
      const own = model === run.model;
      const row = { label: own && !single ? run.name : model, metrics, intervals: (evaluation.intervals || {})[model] || {}, own };
      if (row.own) rows.push(row);
      else baselines.set(model + JSON.stringify(metrics), row);
    }
  }
  return rows.concat([...baselines.values()]);
}

/** What two cards must share for their numbers to be compared; the same as `lrurec compare` asks for. How much of the
 * history a window masks is the model's length; under another mask the length is the model's own affair. */
function conditions(card) {
  const { fingerprint, filter, ties, split, candidates, users } = card;
  return { fingerprint, filter, ties, split, candidates, mask: card.mask + (card.mask === "window" ? ` of ${card.max_length}` : ""), users };
}

/** Runs with this evaluation, those under like protocols together. */
function groupsOf(name) {
  const groups = new Map();
  for (const run of runs.filter((one) => one.evaluations[name])) {
    const key = JSON.stringify(conditions(run.evaluations[name].protocol || {}));
    groups.set(key, (groups.get(key) || []).concat(run));
  }
  return [...groups.entries()].map(([key, alike]) => ({ conditions: JSON.parse(key), runs: alike }));
}

/** Names of the conditions in which groups differ. */
function differing(groups) {
  const keys = new Set(groups.flatMap((group) => Object.keys(group.conditions)));
  return [...keys].filter((key) => new Set(groups.map((group) => JSON.stringify(group.conditions[key]))).size > 1);
}

function intervalsChart(metric, rows) {
  return chart(`${metric} and its 95% interval`, "Bars reach from the lower to the upper end.", () => ({
    type: "bar",
    data: {
      labels: rows.map((row) => row.label),
      datasets: [
        { type: "scatter", label: metric, data: rows.map((row) => ({ x: row.metrics[metric], y: row.label })),
          backgroundColor: themed("--ink"), radius: 4, order: 0 },
        { label: "95% interval", data: rows.map((row) => row.intervals[metric] || null),
          backgroundColor: rows.map((row) => colour(row.own ? 0 : 1)), barThickness: 14, order: 1 },
      ],
    },
    options: {
      indexAxis: "y",
      scales: { x: { beginAtZero: true }, y: { type: "category", labels: rows.map((row) => row.label) } },
      plugins: {
        legend: { display: false },
        tooltip: { callbacks: { label: (item) => {
          const row = rows[item.dataIndex];
          const [low, high] = row.intervals[metric] || [];
          return `${fixed(row.metrics[metric])} (${fixed(low)} – ${fixed(high)})`;
        } } },
      },
    },
  }));
}

function evaluations() {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.evaluations)))]
    .sort((a, b) => (a === "test" ? -1 : b === "test" ? 1 : a.localeCompare(b)));
  for (const name of names) {
    const groups = groupsOf(name);
    for (const group of groups) evaluationOf(name, group.runs, groups);
  }
  const missing = runs.filter((run) => !testOf(run)).map((run) => run.name);
  if (missing.length) {
    section("Test metrics" + (names.length ? " not there" : ""), null, el("p", { class: "warning" },
      `${missing.join(", ")}: no test evaluation yet. Make it with `, el("code", {}, "lrurec evaluate RUN"), " and this page again."));
  }
}

/** The command that makes this evaluation of runs again, as a run's folder names it. */
function commandOf(name, card, alike) {
  const sampled = String(card.candidates || "").match(/^\d+(?= sampled)/);
  const trainedSampled = alike.some((run) => run.settings.some((s) => s.key === "eval_negatives" && s.value !== "0"));
  return ["lrurec evaluate RUN",
    name.startsWith("val") && "--split val",
    card.mask && card.mask !== "window" && `--mask ${card.mask}`,
    sampled ? `--eval-negatives ${sampled[0]}` : trainedSampled && "--eval-negatives 0",
    name.endsWith("-last") && "--checkpoint last"].filter(Boolean).join(" ");
}

/** A section of runs under one protocol. Unlike ones have sections of their own, so that no table invites to compare them. */
function evaluationOf(name, alike, groups) {
  const rows = rowsOf(name, alike);
  if (!rows.length) return;
  const card = alike.map((run) => run.evaluations[name].protocol).find(Boolean);
  const unlike = differing(groups);
  const lengths = new Set(alike.map((run) => (run.evaluations[name].protocol || {}).max_length));
  const rank = (metric) => ["Recall", "NDCG", "MRR"].findIndex((kind) => metric.includes(kind));
  const metrics = Object.keys(rows[0].metrics)
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true }));
  const best = Object.fromEntries(metrics.map((m) => [m, Math.max(...rows.map((row) => row.metrics[m] ?? -1))]));
  const cell = (row, m) => {
    const [low, high] = row.intervals[m] || [];
    const text = fixed(row.metrics[m]);
    return el("span", {}, row.metrics[m] === best[m] ? el("b", {}, text) : text,
      low === undefined ? null : el("small", {}, `${fixed(low)} – ${fixed(high)}`));
  };
  const charted = ["Recall@10", "NDCG@10"].map((m) => keyOf(rows[0].metrics, m)).filter(Boolean);
  const title = evaluationTitle(name) + (groups.length > 1 ? `: ${alike.map((run) => run.name).join(", ")}` : "");
  const which = name.endsWith("-last") ? "last" : "best";
  const old = alike.filter((run) => run.evaluations[name][`${which}_step`] !== undefined).map((run) =>
    `${run.name} is evaluated at step ${whole(run.evaluations[name].step)}, and its ${which} weights are of step ${whole(run.evaluations[name][`${which}_step`])}`);
  section(title, "Under each number, 95% of resamplings of the users. Higher is better.",
    unlike.length ? el("p", { class: "warning" },
      `Not evaluated like the other runs (${unlike.join(", ")}): numbers of the two tables cannot be compared.`,
      ...(unlike.join() === "mask" ? [" The same candidates for all: ", el("code", {}, "lrurec evaluate RUN --mask all"), "."] : [])) : null,
    old.length ? el("p", { class: "warning" }, `${old.join("; ")}: evaluate again with `,
      el("code", {}, commandOf(name, card || {}, alike)), ".") : null,
    card ? protocol(card, lengths.size > 1 ? ["max_length"] : []) : null,
    el("div", { class: "charts" }, ...charted.map((m) => intervalsChart(m, rows))),
    table([["", ...metrics], ...rows.map((row) => [row.label, ...metrics.map((m) => cell(row, m))])]));
}

/**
 * A validation metric over the seconds that the steps until then took; validation itself does not count. A step between two
 * lines of the log takes as long as the next line says, one after the last line as long as that says.
 */
function overSeconds(run, key) {
  const training = run.training;
  if (!training.length) return [];
  let seconds = 0, step = 0, next = 0;
  return run.validation.filter((line) => key in line).map((line) => {
    for (; next < training.length && training[next].step <= line.step; ++next) {
      seconds += (training[next].step - step) * training[next].step_seconds;
      step = training[next].step;
    }
    const each = training[Math.min(next, training.length - 1)].step_seconds;
    return { x: seconds + (line.step - step) * each, y: line[key] };
  });
}

function curves() {
  const trained = runs.filter((run) => run.validation.length || run.training.length);
  if (!trained.length) return;
  const recall = [], overTime = [], ndcg = [], loss = [], norm = [], seconds = [];
  for (const run of trained) {
    const line = run.validation.at(-1) || {};
    const keys = ["Recall@10", "NDCG@10", "loss"].map((name) => keyOf(line, name));
    recall.push({ label: seriesName(run, keys[0] || "Recall@10"), points: overSteps(run.validation, keys[0]) });
    overTime.push({ label: run.name, points: overSeconds(run, keys[0]) });
    ndcg.push({ label: seriesName(run, keys[1] || "NDCG@10"), points: overSteps(run.validation, keys[1]) });
    loss.push({ label: seriesName(run, "training"), points: overSteps(run.training, "loss") });
    loss.push({ label: seriesName(run, "validation"), points: overSteps(run.validation, keys[2]), dashed: true });
    norm.push({ label: run.name, points: overSteps(run.training, "gradient_norm") });
    seconds.push({ label: run.name, points: overSteps(run.training, "step_seconds") });
  }
  const accuracy = single ? [lines("Validation metrics", "Over training steps.", "", recall.concat(ndcg), { beginAtZero: true })]
    : [lines("Validation Recall@10", "Over training steps.", "", recall, { beginAtZero: true }),
       lines("Validation Recall@10 over time", "Over seconds of training.", "", overTime, { beginAtZero: true }, "s"),
       lines("Validation NDCG@10", "Over training steps.", "", ndcg, { beginAtZero: true })];
  section("Learning curves",
    "The training loss is measured with dropout, as a mean since the point before; the validation loss without, on other items. " +
    "The numbers are in the run's metrics.csv.",
    el("div", { class: "charts" }, ...accuracy, lines("Cross-entropy", "Training and validation loss over steps.", "nats", loss),
      lines("Norm of the gradient", "Before clipping.", "", norm, { beginAtZero: true }),
      lines("Seconds a step", "Lower is faster.", "s", seconds, { beginAtZero: true })));
}

const diskRange = { min: -1.1, max: 1.1, afterBuildTicks: (scale) => { scale.ticks = [-1, -0.5, 0, 0.5, 1].map((value) => ({ value })); } };

function unitDisk(run, block, b) {
  const circle = Array.from({ length: 121 }, (_, i) => ({ x: Math.cos(i * Math.PI / 60), y: Math.sin(i * Math.PI / 60) }));
  const points = (lambda) => lambda.map(([x, y]) => ({ x, y }));
  return chart(seriesName(run, `block ${b + 1}`), "Eigenvalues on the unit disk, before and after training.", () => ({
    type: "scatter",
    data: {
      datasets: [
        { label: "after training", data: points(block.trained), backgroundColor: colour(0), pointRadius: 3 },
        ...(block.initial ? [{ label: "before", data: points(block.initial), borderColor: colour(1),
                               backgroundColor: "transparent", pointRadius: 3 }] : []),
        { label: "|λ| = 1", data: circle, type: "line", borderColor: themed("--soft"), borderWidth: 1, pointRadius: 0, pointHitRadius: 0 },
      ],
    },
    options: {
      layout: { padding: { right: 34 } },  // as wide as the legend is high, so that circles are round
      scales: { x: axis("Re λ", diskRange), y: axis("Im λ", diskRange) },
      plugins: { legend: { position: "bottom", labels: { boxWidth: 12 } },
                 tooltip: { callbacks: { label: (item) => {
                   const abs = Math.hypot(item.parsed.x, item.parsed.y);
                   return `|λ| ${fixed(abs, 3)}: half is left after ${fixed(Math.log(0.5) / Math.log(abs), 1)} items`;
                 } } } },
    },
  }));
}

/** How many channels of all blocks keep half of an item for so long. */
function halfLives(run) {
  const edges = [0, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, Infinity];
  const labels = edges.slice(1).map((high, i) => (high === Infinity ? `over ${edges[i]}` : i === 0 ? `under ${high}` : `${edges[i]}–${high}`));
  const count = (key) => edges.slice(1).map((high, i) => run.eigenvalues.flatMap((block) => block[key] || [])
    .map(([x, y]) => Math.log(0.5) / Math.log(Math.hypot(x, y))).filter((life) => life >= edges[i] && life < high).length);
  return chart(seriesName(run, "items until half is forgotten"), "Number of channels by their half-life.", () => ({
    type: "bar",
    data: { labels, datasets: [
      { label: "after training", data: count("trained"), backgroundColor: colour(0) },
      ...(run.eigenvalues.some((block) => block.initial) ? [{ label: "before", data: count("initial"), backgroundColor: colour(1) }] : []),
    ] },
    options: { scales: { x: axis("items"), y: axis("channels", { beginAtZero: true }) },
               plugins: { legend: { position: "bottom", labels: { boxWidth: 12 } } } },
  }));
}

function eigenvalues() {
  const recurrent = runs.filter((run) => run.eigenvalues.length);
  if (!recurrent.length) return;
  const published = runs.some((run) => run.eigenvalues.some((block) => "published_mean_abs" in block));
  const rows = [["", "mean |λ| before", "after", ...(published ? ["paper, table 5"] : []), "median half-life before", "after (items)"]];
  const overTime = [];
  for (const run of runs) {
    run.eigenvalues.forEach((block, b) => {
      rows.push([seriesName(run, `block ${b + 1}`), fixed(block.initial_mean_abs, 3), fixed(block.mean_abs, 3),
        ...(published ? [fixed(block.published_mean_abs, 3)] : []), fixed(block.initial_half_life, 1), fixed(block.half_life, 1)]);
      const points = run.validation.filter((line) => Array.isArray(line.mean_abs_lambda))
        .map((line) => ({ x: line.step, y: line.mean_abs_lambda[b] }));
      if (points.length) overTime.push({ label: seriesName(run, `block ${b + 1}`), points });
    });
  }
  section("What the recurrence remembers",
    "Each channel k multiplies what it holds by λ once an item: |λ| says how fast it forgets, the angle how fast it turns. "
    + "Half of an item is left after ln ½ / ln |λ| items.",
    table(rows),
    el("div", { class: "charts square" }, ...runs.flatMap((run) => run.eigenvalues.map((block, b) => unitDisk(run, block, b)))),
    el("div", { class: "charts" }, ...recurrent.map(halfLives),
      overTime.length ? lines("Mean |λ| of each block", "Over training steps.", "", overTime) : null));
}

function settings() {
  const values = runs.map((run) => new Map(run.settings.map((s) => [s.key, s.value])));
  const rows = [["setting", ...runs.map((run) => run.name)]];
  const every = new Map(runs.flatMap((run) => run.settings.map((s) => [s.key, s.help])));
  for (const [key, help] of every) {
    const cells = [el("span", {}, key, el("small", {}, help)), ...values.map((of) => of.get(key) ?? "")];
    cells.marked = new Set(values.map((of) => of.get(key))).size > 1;
    rows.push(cells);
  }
  section("Settings", single ? "All of them; as TOML in the run's config.toml." : "Where runs differ, in bold.", table(rows, "text"));
}

function origins() {
  const rows = [["", ...runs.map((run) => run.name)]];
  const line = (label, get) => rows.push([label, ...runs.map((run) => String(get(run) ?? ""))]);
  line("command", (run) => run.about.command);
  line("data", (run) => run.about.data);
  line("fingerprint", (run) => run.about.fingerprint);
  if (runs.some((run) => run.about.imported_from)) line("imported from", (run) => run.about.imported_from);
  for (const key of new Set(runs.flatMap((run) => Object.keys(run.about.environment || {})))) {
    line(key, (run) => (run.about.environment || {})[key]);
  }
  section("Where it comes from", null, table(rows, "text"));
}

heading();
tiles();
evaluations();
curves();
eigenvalues();
settings();
origins();
finish();
