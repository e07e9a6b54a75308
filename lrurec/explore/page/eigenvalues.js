"use strict";
// The eigenvalues of a block on the unit disk: to drag, and to watch over training.

const svgElement = (tag, attributes, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const largestModulus = 0.999;
/** How far from a point of the disk it can be taken hold of; elsewhere a touch scrolls the page. */
const reach = 0.12;
const modulus = ([re, im]) => Math.hypot(re, im);
const halfLife = (z) => Math.log(0.5) / Math.log(modulus(z));
const meanOf = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** `model`'s eigenvalues; changed(block) is called when one was moved. training: [{step, lambda}], oldest first; the model has
 * the weights of `step`, which may lie before the last of them. */
class EigenvaluePlayground {
  constructor(model, step, training, changed) {
    let home = training.findIndex((round) => round.step === step);
    if (home < 0 && training.length > 0) {  // a checkpoint between two rounds
      training = [...training, { step, lambda: model.lru.map((lru) => lru.trained) }].sort((a, b) => a.step - b.step);
      home = training.findIndex((round) => round.step === step);
    }
    Object.assign(this, { model, training, home, shown: home, changed, block: 0, channel: 0, timer: null, turn: 0 });
    const range = (id, min, max, step) => el("input", { id, type: "range", min, max, step });
    this.disk = svgElement("svg", { viewBox: "-1.12 -1.12 2.24 2.24", class: "disk", role: "img" });
    this.blocks = el("select", { id: "eigen-block", "aria-label": "block" }, ...model.lru.map((_, b) => el("option", { value: b }, `block ${b + 1}`)));
    this.channels = el("input", { id: "eigen-channel", type: "number", min: 1, max: model.config.channels, value: 1 });
    this.size = range("eigen-modulus", 0, largestModulus, 0.001);
    this.angle = range("eigen-angle", -180, 180, 0.5);
    this.reading = el("p", { id: "eigen-reading", role: "status" });
    this.output = el("p", { id: "eigen-output", role: "status" });
    this.step = range("eigen-step", 0, Math.max(0, training.length - 1), 1);
    this.stepText = el("output", { id: "eigen-step-text" });
    this.playButton = el("button", { id: "eigen-play", type: "button" }, "Play");
    const reset = el("button", { id: "eigen-reset", type: "button" }, "As trained");
    const label = (text, input) => el("label", {}, text, input);

    this.blocks.addEventListener("input", () => this.select(Number(this.blocks.value), this.channel));
    this.channels.addEventListener("input", () => this.select(this.block, Number(this.channels.value) - 1));
    // Each changes its own coordinate of the model's own eigenvalue; the angle outlives a modulus of 0.
    const slide = (slider, change) => slider.addEventListener("input", () => {
      const value = Number(slider.value);
      if (!this.own()) this.showStep(this.home);
      const [r, a] = change(value);
      this.move([r * Math.cos(a), r * Math.sin(a)], a);
    });
    slide(this.size, (value) => [value, this.turn]);
    slide(this.angle, (value) => [modulus(this.lambda()[this.channel]), (value * Math.PI) / 180]);
    reset.addEventListener("click", () => this.reset());
    this.step.addEventListener("input", () => { this.stop(); this.showStep(Number(this.step.value)); });
    this.playButton.addEventListener("click", () => this.play());
    this.disk.addEventListener("pointerdown", (event) => this.pointer(event, true));
    this.disk.addEventListener("pointermove", (event) => this.pointer(event, false));
    this.disk.addEventListener("pointerup", () => { this.dragging = false; });
    this.disk.addEventListener("pointercancel", () => { this.dragging = false; });

    this.response = lines("What is left of an item, λ^t",
      "What is left of one item's contribution after so many items: lambda to the power of t.", "λ^t", this.impulse(), {}, "items later");
    this.drawing = drawings.at(-1);
    const over = training.length > 1
      ? el("div", { class: "controls" }, label("training ", this.step), this.stepText, this.playButton)
      : el("p", { class: "note" }, "How the eigenvalues moved in training was not recorded for this run (runs made from now on record it).");
    section("Eigenvalues: drag one, and see what forgets",
      "λ of every channel of a block. The nearer to the rim, the longer a channel remembers; the angle is how far it turns with every item. " +
      "Drag a point, or choose a channel and use the sliders: everything above is computed again with it. γ stays as it was trained: nearer to the rim the state also grows, " +
      "by 1/(1 − |λ|²) in variance, which is what γ is for.",
      el("div", { class: "controls" }, this.blocks, label("channel ", this.channels), reset),
      el("div", { class: "charts" },
        el("figure", { class: "chart" }, el("h3", {}, "Unit disk"), this.disk, over), this.response));
    this.response.append(el("div", { class: "controls" }, label("|λ| ", this.size), label("angle (degrees) ", this.angle)), this.reading, this.output);
    this.showStep(home);
    this.select(0, 0);
  }

  lambda() { return this.model.lru[this.block].lambda; }
  /** A drag begins: for who listens. */
  grabbed() {}
  /** Whether the model's own are shown, which can be moved. */
  own() { return this.shown === this.home; }
  points() { return this.own() ? this.lambda() : this.training[this.shown].lambda[this.block]; }

  impulse() {
    const z = this.points()[this.channel], r = modulus(z), a = Math.atan2(z[1], z[0]);
    const points = (f) => Array.from({ length: 31 }, (_, t) => ({ x: t, y: f(t) }));
    return [{ label: "real part", points: points((t) => r ** t * Math.cos(a * t)) },
            { label: "modulus", points: points((t) => r ** t), dashed: true }];
  }

  select(block, channel) {
    this.block = block;
    this.channel = Math.max(0, Math.min(this.model.config.channels - 1, Math.round(channel) || 0));
    this.showStep(this.shown);
  }

  move(z, angle = Math.atan2(z[1], z[0])) {
    this.stop();
    if (!this.own()) this.showStep(this.home);
    const r = modulus(z), cut = r > largestModulus ? largestModulus / r : 1;
    this.lambda()[this.channel] = [z[0] * cut, z[1] * cut];
    this.turn = angle;
    this.update();
    this.changed(this.block);
  }

  reset() {
    this.stop();
    for (const lru of this.model.lru) lru.lambda = lru.trained.map((z) => [...z]);
    this.showStep(this.home);
    this.update();
    this.changed(this.block);
  }

  /** A round of validation by its number in `training`. */
  showStep(index) {
    this.shown = index;
    const [re, im] = this.points()[this.channel];
    this.turn = Math.atan2(im, re);
    this.step.value = index;
    this.update();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.playButton.textContent = "Play";
  }

  play() {
    if (this.timer) return this.stop();
    const end = this.training.length - 1;
    if (this.shown === end) this.showStep(0);
    this.playButton.textContent = "Pause";
    this.timer = setInterval(() => (this.shown === end ? this.stop() : this.showStep(this.shown + 1)), 400);
  }

  pointer(event, down) {
    if (!down && !this.dragging) return;
    const box = this.disk.getBoundingClientRect(), scale = 2.24 / box.width;
    const z = [(event.clientX - box.left) * scale - 1.12, 1.12 - (event.clientY - box.top) * scale];
    if (down) {
      const points = this.points(), distances = points.map(([re, im]) => Math.hypot(re - z[0], im - z[1]));
      const nearest = distances.indexOf(Math.min(...distances));
      if (distances[nearest] > reach) return;
      this.stop();
      this.dragging = this.own();
      this.offset = [points[nearest][0] - z[0], points[nearest][1] - z[1]];
      this.grabbed();
      if (event.pointerId !== undefined && event.isTrusted) this.disk.setPointerCapture(event.pointerId);
      return this.select(this.block, nearest);
    }
    event.preventDefault();
    this.move([z[0] + this.offset[0], z[1] + this.offset[1]]);
  }

  update() {
    const points = this.points();
    const z = points[this.channel];
    this.disk.setAttribute("aria-label", `${points.length} eigenvalues, mean modulus ${fixed(meanOf(points.map(modulus)), 3)}`);
    const dot = ([re, im], k) => svgElement("circle", { cx: re, cy: -im, r: k === this.channel ? 0.04 : 0.018,
      class: k === this.channel ? "chosen" : "channel", "data-channel": k });
    this.disk.replaceChildren(
      ...[0.25, 0.5, 0.75, 1].map((r) => svgElement("circle", { cx: 0, cy: 0, r, class: r === 1 ? "rim" : "ring" })),
      svgElement("line", { x1: -1, y1: 0, x2: 1, y2: 0, class: "ring" }), svgElement("line", { x1: 0, y1: -1, x2: 0, y2: 1, class: "ring" }),
      ...[["Re λ", 0.8, 0.07], ["1", 1.03, -0.03], ["i", 0.03, -1.03], [".5", 0.51, 0.07]].map(([text, x, y]) => svgElement("text", { x, y }, text)),
      ...points.map(dot), dot(z, this.channel));
    this.blocks.value = this.block;
    this.channels.value = this.channel + 1;
    this.size.value = modulus(z);
    this.angle.value = (this.turn * 180) / Math.PI;
    const turn = Math.abs(this.turn), angle = (digits, factor) => fixed(this.turn * factor, digits).replace("-", "−");
    this.reading.textContent = `channel ${this.channel + 1}: |λ| ${fixed(modulus(z), 3)}, angle ${angle(1, 180 / Math.PI)}° (${angle(2, 1)} rad), half of an item's part is left after ` +
      `${fixed(halfLife(z), 1)} items, ${turn === 0 ? "it does not turn" : `a turn takes ${fixed((2 * Math.PI) / turn, 1)} items`}; ` +
      `all channels: mean |λ| ${fixed(meanOf(points.map(modulus)), 3)}`;
    if (this.training.length > 1) {
      this.stepText.textContent = `step ${whole(this.training[this.shown].step)}` + (this.own() ? ", this model" : ", to look at");
    }
    if (!this.drawing.drawn) return;
    this.impulse().forEach((s, i) => { this.drawing.drawn.data.datasets[i].data = s.points; });
    this.drawing.drawn.update("none");
  }
}
