"use strict";
// The recurrence h_t = lambda h_(t-1) + x_t three ways, in rounds: what one round does can be done by as many processors as
// it has multiply-adds. A round is {what, values, edges: [[from, to]], work}.

const mul = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];
const add = ([a, b], [c, d]) => [a + c, b + d];
const power = (z, n) => (n === 0 ? [1, 0] : mul(z, power(z, n - 1)));

/** A round that adds factor^distance of each edge's source to its target, from the values as they stood before. */
function joined(lambda, values, edges, what) {
  const next = values.map((z) => [...z]);
  for (const [from, to] of edges) next[to] = add(next[to], mul(power(lambda, to - from), values[from]));
  return { what, values: next, edges, work: edges.length };
}

function sequentialRounds(lambda, x) {
  const rounds = [];
  let values = x;
  for (let t = 1; t < x.length; ++t) {
    rounds.push(joined(lambda, values, [[t - 1, t]], `h${t + 1} += λ h${t}`));
    values = rounds.at(-1).values;
  }
  return rounds;
}

/** Algorithm 1: neighbouring halves of length 1, 2, 4, ... are joined; the sequence is thought of as padded on the left. */
function recursiveRounds(lambda, x) {
  let padded = 1;
  while (padded < x.length) padded *= 2;
  const shift = padded - x.length;
  const rounds = [];
  let values = x;
  for (let half = 1; half < padded; half *= 2) {
    const edges = [];
    for (let start = 0; start < padded; start += 2 * half) {
      const from = start + half - 1 - shift;
      if (from < 0) continue;
      for (let i = 1; i <= half; ++i) edges.push([from, from + i]);
    }
    rounds.push(joined(lambda, values, edges, `join ${half} + ${half}`));
    values = rounds.at(-1).values;
  }
  return rounds;
}

/** Chunks side by side, each sequentially; then the last state of each chunk in turn; then what each chunk begins with. */
function chunkedRounds(lambda, x, chunk) {
  const n = x.length;
  const rounds = [];
  let values = x;
  const round = (edges, what) => {
    if (edges.length === 0) return;
    rounds.push(joined(lambda, values, edges, what));
    values = rounds.at(-1).values;
  };
  const starts = Array.from({ length: Math.ceil(n / chunk) }, (_, c) => c * chunk);
  const last = (start) => Math.min(start + chunk, n) - 1;
  for (let i = 1; i < chunk; ++i) {
    round(starts.filter((s) => s + i < n).map((s) => [s + i - 1, s + i]), "every chunk one step on");
  }
  for (const start of starts.slice(1)) round([[start - 1, last(start)]], "carry to the end of the next chunk");
  round(starts.slice(1).flatMap((s) => Array.from({ length: last(s) - s }, (_, i) => [s - 1, s + i])),
        "carry to the rest of every chunk");
  return rounds;
}

/** The same from the last position to the first with conj(lambda), which is the scan's backward: g_t = dh_t + conj(lambda) g_(t+1). */
function reversed(make, lambda, x) {
  const flip = (i) => x.length - 1 - i;
  const turned = (values) => [...values].reverse();
  return make([lambda[0], -lambda[1]], turned(x)).map((round) => ({
    ...round, values: turned(round.values), edges: round.edges.map(([from, to]) => [flip(from), flip(to)]),
    what: round.what.replace(/h(\d+) \+= λ h(\d+)/, (_, to, from) => `g${flip(to - 1) + 1} += λ* g${flip(from - 1) + 1}`),
  }));
}

const shortNumber = (x) => String(Number.isInteger(x) && Math.abs(x) < 1e5 ? x : Number(x.toPrecision(3)));
const complexText = ([re, im]) =>
  (Math.abs(im) < 1e-12 ? shortNumber(re) : `${shortNumber(re)}${im < 0 ? "−" : "+"}${shortNumber(Math.abs(im))}i`);

/** The section, with its own state: numbers, round, direction. */
function scanSection() {
  const algorithms = [
    { id: "sequential", name: "One by one", make: sequentialRounds },
    { id: "recursive", name: "Algorithm 1", make: recursiveRounds },
    { id: "chunked", name: "In chunks", make: (lambda, x) => chunkedRounds(lambda, x, Math.min(16, Math.max(1, Math.round(Number(chunk.value) || 1)))) },
  ];
  const x = el("input", { id: "scan-x", value: "1, 2, 3, 4, 5, 6, 7, 8", size: "24", inputmode: "text" });
  const re = el("input", { id: "scan-re", type: "number", step: "0.1", value: "0.5" });
  const im = el("input", { id: "scan-im", type: "number", step: "0.1", value: "0" });
  const chunk = el("input", { id: "scan-chunk", type: "number", min: "1", max: "16", value: "4" });
  const backward = el("input", { id: "scan-backward", type: "checkbox" });
  const label = (text, input) => el("label", {}, text, input);
  const button = (id, text) => el("button", { id, type: "button" }, text);
  const first = button("scan-first", "Start"), next = button("scan-next", "Step ▶"), play = button("scan-play", "Play");
  const message = el("p", { class: "note", id: "scan-message", role: "status" });
  const pictures = el("div", { class: "scans" });

  let at = 0, timer = null;

  // An empty text is no number, though Number("") is 0.
  const number = (text) => (text.trim() === "" ? NaN : Number(text));

  function numbers() {
    const values = x.value.trim().split(/\s*[,;]\s*|\s+/).map(number);
    return values.length <= 16 && values.every(Number.isFinite) ? values.map((v) => [v, 0]) : null;
  }

  function drawScans() {
    const values = numbers(), lambda = [number(re.value), number(im.value)];
    if (!values || !lambda.every(Number.isFinite)) {
      message.textContent = "Between one and sixteen numbers, with commas between them, and a number for each part of λ.";
      return;
    }
    const all = algorithms.map((a) => {
      const make = (l, v) => a.make(l, v);
      return { ...a, rounds: backward.checked ? reversed(make, lambda, values) : make(lambda, values) };
    });
    const most = Math.max(...all.map((a) => a.rounds.length));
    at = Math.min(at, most);
    pictures.replaceChildren(...all.map((a) => scanPicture(a, values, at)));
    const left = all.filter((a) => a.rounds.length > at).map((a) => a.name);
    const zeros = 2 ** Math.ceil(Math.log2(values.length)) - values.length;
    const where = backward.checked ? `after g${values.length}` : "before h1";
    const padding = zeros === 0 ? "" : ` ${zeros === 1 ? "1 zero is" : `${zeros} zeros are`} thought of ${where} for Algorithm 1, so that there are ` +
      `${values.length + zeros}; ${zeros === 1 ? "it adds" : "they add"} nothing.`;
    message.textContent = most === 0 ? "One number is its own state: there is nothing to compute." : at === 0
      ? "Every round does what its lines show at once. Step, and watch which of the three is ready first." + padding
      : `Round ${at}. ` + (left.length ? `Not ready: ${left.join(", ")}.` : "All three have the same numbers.") + padding;
    next.disabled = at >= most;
    if (at >= most) stop();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  first.addEventListener("click", () => { at = 0; drawScans(); });
  next.addEventListener("click", () => { ++at; drawScans(); });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (next.disabled) at = 0;
    play.textContent = "Pause";
    timer = setInterval(() => { ++at; drawScans(); }, 900);
    drawScans();
  });
  for (const input of [x, re, im, chunk, backward]) input.addEventListener("input", () => { at = 0; drawScans(); });

  section("One recurrence, three ways to compute it",
    "h_t = λ h_(t-1) + x_t on numbers of your own. Work counts multiply-adds, depth the rounds that must follow one another. " +
    "Algorithm 1 has the least depth, and for a power of two L (L/2) log2(L) multiply-adds where one by one takes L − 1. Chunks cost up to twice the work of one by one at any length, and go through memory once or twice where Algorithm 1 goes log2(L) times: that is why processors are given chunks. " +
    "Backward, gradients run from the end with λ's conjugate, the same picture in a mirror: the numbers typed are then dh, the results g, which is dx.",
    el("div", { class: "controls" }, label("x ", x), label("Re λ ", re), label("Im λ ", im), label("chunk of ", chunk),
      el("label", {}, backward, " backward, with λ*")),
    el("div", { class: "controls" }, first, next, play), message, pictures);
  drawScans();
}

/** Rows are rounds, columns positions; lines show what is added to what. Rounds after `at` are not there yet. */
function scanPicture(algorithm, x, at) {
  const n = x.length, wide = 62, high = 46;
  const done = algorithm.rounds.slice(0, at);
  const height = (algorithm.rounds.length + 1) * high + 10;
  const svg = svgElement("svg", { viewBox: `0 0 ${n * wide} ${height}`, role: "img",
    "aria-label": `${algorithm.name} after ${done.length} of ${algorithm.rounds.length} rounds: ${(done.at(-1) || { values: x }).values.map(complexText).join(", ")}` });
  const px = (i) => (i + 0.5) * wide, py = (row) => row * high + 22;
  done.forEach((round, r) => {
    const fresh = r === at - 1;
    for (let i = 0; i < n; ++i) svg.append(svgElement("line", { x1: px(i), y1: py(r) + 9, x2: px(i), y2: py(r + 1) - 13, class: "keep" }));
    for (const [from, to] of round.edges) {
      svg.append(svgElement("line", { x1: px(from), y1: py(r) + 9, x2: px(to), y2: py(r + 1) - 13, class: fresh ? "join fresh" : "join" }));
    }
  });
  [x, ...done.map((round) => round.values)].forEach((values, row) => {
    const changed = new Set(row > 0 ? done[row - 1].edges.map(([, to]) => to) : []);
    values.forEach((z, i) => svg.append(svgElement("text", { x: px(i), y: py(row), class: changed.has(i) ? "changed" : "" }, complexText(z))));
  });
  const work = done.reduce((sum, round) => sum + round.work, 0);
  const total = algorithm.rounds.reduce((sum, round) => sum + round.work, 0);
  return el("figure", { class: "chart scan", "data-algorithm": algorithm.id },
    el("h3", {}, algorithm.name),
    el("p", { class: "counters" }, `depth ${done.length} of ${algorithm.rounds.length} · work ${work} of ${total}`),
    el("div", { class: "scroll" }, svg),
    el("p", { class: "note" }, done.length > 0 && done.length === at ? done.at(-1).what : "\u00a0"));
}
