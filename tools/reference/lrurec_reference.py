"""LRURec from its equations, in numpy and double precision.

Independent of the C++ code: padded batches instead of packed ones, a plain loop over time, and gradients by
differences instead of a backward pass. Parameters have the names of the published PyTorch model.

A batch is left-padded with item 0. The state that leaves a padding position is not carried on.
"""

import math
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]

_erf = np.vectorize(math.erf)


def gelu(x: np.ndarray) -> np.ndarray:
    """x Phi(x) with the exact error function, not its tanh approximation."""
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float) -> np.ndarray:
    """Equation 7."""
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return weight * (x - mean) / np.sqrt(variance + eps) + bias


def lru(x: np.ndarray, real: np.ndarray, w: Weights, prefix: str) -> np.ndarray:
    """Equation 5 with gamma at every step; x: [B, L, H], real: [B, L], true where there is an item."""
    nu, theta, gamma = np.exp(w[prefix + "params_log"])
    lam = np.exp(-nu + 1j * theta)
    u = gamma * (x @ w[prefix + "in_proj.weight"].T + w[prefix + "in_proj.bias"])
    h = np.zeros_like(u)
    state = np.zeros_like(u[:, 0])
    for t in range(x.shape[1]):
        h[:, t] = lam * state + u[:, t]
        state = h[:, t] * real[:, t, None]
    return (h @ w[prefix + "out_proj.weight"].T + w[prefix + "out_proj.bias"]).real


def logits(w: Weights, items: np.ndarray, blocks: int, eps: float) -> np.ndarray:
    """Scores of every position, [B, L, |I| + 1]; no dropout."""

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return layer_norm(x, w[name + ".weight"], w[name + ".bias"], eps)

    table = w["embedding.token.weight"]
    x = norm(table[items], "embedding.layer_norm")
    for i in range(blocks):
        block = f"model.lru_blocks.{i}."
        y = norm(lru(x, items > 0, w, block + "lru_layer.") + x, block + "lru_layer.layer_norm")
        ffn = block + "feed_forward."
        inner = gelu(y @ w[ffn + "w_1.weight"].T + w[ffn + "w_1.bias"])
        x = norm(inner @ w[ffn + "w_2.weight"].T + w[ffn + "w_2.bias"] + y, ffn + "layer_norm")
    return x @ table.T + w["model.bias"]


def cross_entropy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the positions whose label is above 0."""
    counted = labels > 0
    rows = scores[counted]
    top = rows.max(-1)
    log_sum = top + np.log(np.exp(rows - top[:, None]).sum(-1))
    return float((log_sum - rows[np.arange(len(rows)), labels[counted]]).mean())


def loss(w: Weights, items: np.ndarray, labels: np.ndarray, blocks: int, eps: float) -> float:
    """Mean cross-entropy of a batch; items and labels: [B, L]."""
    return cross_entropy(logits(w, items, blocks, eps), labels)


def derivative(
    w: Weights, name: str, index: tuple[int, ...], direction: complex, step: float, *batch: Any
) -> float:
    """dL/d(entry along direction) by central differences of fourth order."""

    def at(offset: float) -> float:
        changed = dict(w)
        changed[name] = w[name].copy()
        changed[name][index] += offset * direction
        return loss(changed, *batch)

    near = (at(step) - at(-step)) / (2 * step)
    far = (at(2 * step) - at(-2 * step)) / (4 * step)
    return (4 * near - far) / 3


def gradient_entry(w: Weights, name: str, index: tuple[int, ...], *batch: Any, step: float = 2e-4) -> complex:
    """dL/dRe + i dL/dIm of one entry (the PyTorch convention); the second part only for complex tensors.

    batch: items, labels, blocks and eps, as of loss. The step balances truncation (step^4, largest in theta_log, which
    turns every state of a sequence) with rounding (1e-16 / step): 1e-3 leaves errors of 1e-7, 2e-4 of about 1e-10.
    """
    value = complex(derivative(w, name, index, 1.0, step, *batch))
    if np.iscomplexobj(w[name]):
        value += 1j * derivative(w, name, index, 1j, step, *batch)
    return value


def double(tensors: Weights) -> Weights:
    """The same values in double precision."""
    return {
        name: x.astype(np.complex128 if np.iscomplexobj(x) else np.float64) for name, x in tensors.items()
    }
