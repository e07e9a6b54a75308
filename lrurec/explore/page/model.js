"use strict";
// LRURec in plain JavaScript, as the equations say it (nn/lru.cpp, lrurec/model/recurrent_block.cpp), in double precision
// on the run's own weights. A history goes through it item by item, so that what an item changes is a run from there on.

/** Weights of all tensors, by name; complex ones lie as re, im, re, im. */
function readWeights(packed) {
  const text = atob(packed.values), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  const all = new Float32Array(bytes.buffer);
  const weights = {};
  for (const { name, at, length } of packed.tensors) weights[name] = all.subarray(at, at + length);
  return weights;
}

/** erf to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - poly * Math.exp(-x * x));
}
const gelu = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));

/** W x + b; W: [rows, columns] */
function linear(weight, bias, x) {
  const columns = x.length;
  return Float64Array.from(bias, (b, i) => {
    let sum = b;
    for (let j = 0, at = i * columns; j < columns; ++j) sum += weight[at + j] * x[j];
    return sum;
  });
}

function layerNorm(x, weight, bias, eps) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  const scale = 1 / Math.sqrt(variance + eps);
  return x.map((v, i) => (v - mean) * scale * weight[i] + bias[i]);
}

const plus = (a, b) => a.map((v, i) => v + b[i]);
const norm = (x) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** Equation 5 of one block. lambda may be changed. */
class LRU {
  constructor(weights, prefix, channels) {
    this.channels = channels;
    this.B = weights[prefix + "in_proj.weight"];
    this.bB = weights[prefix + "in_proj.bias"];
    this.C = weights[prefix + "out_proj.weight"];
    this.bC = weights[prefix + "out_proj.bias"];
    this.gamma = Float64Array.from(weights[prefix + "gamma_log"], Math.exp);
    this.trained = Array.from({ length: channels }, (_, k) => {
      const modulus = Math.exp(-Math.exp(weights[prefix + "nu_log"][k]));
      const angle = Math.exp(weights[prefix + "theta_log"][k]);
      return [modulus * Math.cos(angle), modulus * Math.sin(angle)];
    });
    this.lambda = this.trained.map((z) => [...z]);
  }

  /** u = gamma * (B x + b_B): what a token adds to the state. */
  input(x) {
    const u = new Float64Array(2 * this.channels);
    for (let k = 0; k < this.channels; ++k) {
      let re = this.bB[2 * k], im = this.bB[2 * k + 1];
      for (let j = 0, at = 2 * k * x.length; j < x.length; ++j, at += 2) {
        re += this.B[at] * x[j];
        im += this.B[at + 1] * x[j];
      }
      u[2 * k] = this.gamma[k] * re;
      u[2 * k + 1] = this.gamma[k] * im;
    }
    return u;
  }

  /** h = lambda h + u */
  advance(h, u) {
    const next = new Float64Array(h.length);
    this.lambda.forEach(([re, im], k) => {
      next[2 * k] = re * h[2 * k] - im * h[2 * k + 1] + u[2 * k];
      next[2 * k + 1] = re * h[2 * k + 1] + im * h[2 * k] + u[2 * k + 1];
    });
    return next;
  }

  /** y = Re(C h + b_C) */
  output(h, width) {
    const y = new Float64Array(width);
    for (let j = 0; j < width; ++j) {
      let sum = this.bC[2 * j];
      for (let k = 0, at = 2 * j * this.channels; k < 2 * this.channels; k += 2) {
        sum += this.C[at + k] * h[k] - this.C[at + k + 1] * h[k + 1];
      }
      y[j] = sum;
    }
    return y;
  }
}

class Model {
  constructor(config, packed) {
    this.config = config;
    this.weights = readWeights(packed);
    this.lru = Array.from({ length: config.blocks }, (_, b) => new LRU(this.weights, `blocks.${b}.lru.`, config.channels));
  }

  norm(name, x) {
    if (!this.config.layer_norm) return x;
    return layerNorm(x, this.weights[name + ".weight"], this.weights[name + ".bias"], this.config.layer_norm_eps);
  }

  embedding(item) {
    const H = this.config.hidden;
    return this.norm("embedding_layer_norm", Float64Array.from(this.weights["embedding.weight"].subarray(item * H, (item + 1) * H)));
  }

  /** A token through block b; h: the state before it. */
  block(b, x, h) {
    const { residual, pffn, outer_gelu } = this.config;
    const sum = (f, from) => (residual ? plus(f, from) : f);
    const name = `blocks.${b}.`;
    const u = this.lru[b].input(x);
    const state = this.lru[b].advance(h, u);
    const output = this.lru[b].output(state, x.length);
    const y = this.norm(name + "lru_layer_norm", sum(output, x));
    if (!pffn) return { u, state, output, out: y };
    const w = (part) => this.weights[`${name}feed_forward.${part}`];
    const wide = linear(w("w_1.weight"), w("w_1.bias"), y).map(gelu);
    let f = linear(w("w_2.weight"), w("w_2.bias"), wide);
    if (outer_gelu) f = f.map(gelu);
    return { u, state, output, out: this.norm(name + "feed_forward_layer_norm", sum(f, y)) };
  }

  /** All tokens of a history, each {blocks: [{u, state, output, out}], row}; `before` has those of tokens before it. */
  run(items, before = []) {
    const tokens = [...before];
    for (const item of items) {
      const previous = tokens.at(-1);
      const blocks = [];
      let x = this.embedding(item);
      for (let b = 0; b < this.config.blocks; ++b) {
        const h = previous ? previous.blocks[b].state : new Float64Array(2 * this.config.channels);
        blocks.push(this.block(b, x, h));
        x = blocks[b].out;
      }
      tokens.push({ blocks, row: x });
    }
    return tokens;
  }

  /** E row + b of one item. */
  score(row, item) {
    const E = this.weights["embedding.weight"];
    let sum = this.weights["bias"][item];
    for (let j = 0, at = item * row.length; j < row.length; ++j) sum += E[at + j] * row[j];
    return sum;
  }

  /** Best first, equal scores in the order of their number. */
  best(row, k, excluded) {
    const found = [];
    for (let item = 1; item <= this.config.num_items; ++item) {
      if (excluded.has(item)) continue;
      const score = this.score(row, item);
      if (found.length === k && score <= found[k - 1].score) continue;
      let at = found.length;
      while (at > 0 && found[at - 1].score < score) --at;
      found.splice(at, 0, { item, score });
      found.length = Math.min(found.length, k);
    }
    return found;
  }

  /** Of each token, the share of block b's last state that came in with it: Re <h_L, lambda^(L-k) u_k> / |h_L|^2. */
  shares(tokens, b) {
    const last = tokens.at(-1).blocks[b].state;
    const whole = norm(last) ** 2;
    return tokens.map((token, t) => {
      let sum = 0;
      this.lru[b].lambda.forEach(([re, im], k) => {
        const modulus = Math.hypot(re, im) ** (tokens.length - 1 - t), angle = Math.atan2(im, re) * (tokens.length - 1 - t);
        const c = modulus * Math.cos(angle), s = modulus * Math.sin(angle);
        const u = token.blocks[b].u;
        const vr = c * u[2 * k] - s * u[2 * k + 1], vi = c * u[2 * k + 1] + s * u[2 * k];
        sum += last[2 * k] * vr + last[2 * k + 1] * vi;
      });
      return whole > 0 ? sum / whole : 0;
    });
  }

  /**
   * The candidate's score less its score without item t of the history; null for a history of one. `tokens`: of `items`, which
   * are read; `longer`: of these and the one before them, which is read in place of item t, or `tokens` where there is none.
   */
  scoreChange(items, tokens, longer, t, candidate) {
    if (longer.length < 2) return null;
    const without = this.run(items.slice(t + 1), longer.slice(0, t + longer.length - items.length));
    return this.score(tokens.at(-1).row, candidate) - this.score(without.at(-1).row, candidate);
  }
}
