"""The eight rivals from their equations, in numpy and double precision: python rivals_reference.py OUT [--seed N].

Independent of the C++ code: one history after the other, plain loops over time, the discrete Fourier transform written
out, gradients by differences. Parameters have this project's names. Writes, for each model, random weights, the scores of
all items after some users' histories, the loss of a next item of each, and its gradient for every parameter.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from lrurec_reference import gelu, layer_norm

import safetensors_np

Weights = dict[str, np.ndarray]
ITEMS, USERS, LENGTH, HIDDEN, HEADS, BLOCKS, EPS, ALPHA = 7, 3, 5, 4, 2, 2, 1e-5, 0.5
HISTORIES = [[3, 1, 4, 1], [5], [2, 7, 6]]
TARGETS = [5, 2, 1]
STEP = 1e-4  # of differences


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def affine(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def norm(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return layer_norm(x, w[name + ".weight"], w[name + ".bias"], EPS)


def feed_forward(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return affine(w, name + ".w_2", gelu(affine(w, name + ".w_1", x)))


def mf(w: Weights, history: list[int], user: int) -> np.ndarray:
    """p_u . q_i + b_i"""
    return w["items.weight"] @ w["users.weight"][user] + w["bias"]


def fpmc(w: Weights, history: list[int], user: int) -> np.ndarray:
    """UI_u . IU_i + LI_l . IL_i"""
    iu, il = w["items.weight"][:, :HIDDEN], w["items.weight"][:, HIDDEN:]
    return iu @ w["users.weight"][user] + il @ w["last.weight"][history[-1]]


def fism(w: Weights, history: list[int], user: int) -> np.ndarray:
    """|H|^-alpha (sum p_j) . q_i + b_i"""
    total = sum(w["history.weight"][j] for j in history)
    return w["items.weight"] @ (len(history) ** -ALPHA * total) + w["bias"]


def gru_states(w: Weights, x: np.ndarray) -> np.ndarray:
    """h after each row of x; gates in the order r, z, n."""
    size = w["gru.recurrent_bias"].size
    h, states = np.zeros(size), []
    for row in x:
        g = w["gru.input_weight"] @ row + w["gru.input_bias"]
        a = w["gru.recurrent_weight"] @ h
        r, z = sigmoid(g[:size] + a[:size]), sigmoid(g[size : 2 * size] + a[size : 2 * size])
        n = np.tanh(g[2 * size :] + r * (a[2 * size :] + w["gru.recurrent_bias"]))
        h = (1 - z) * n + z * h
        states.append(h)
    return np.array(states)


def gru4rec(w: Weights, history: list[int], user: int) -> np.ndarray:
    h = gru_states(w, w["embedding.weight"][history])[-1]
    return w["embedding.weight"] @ h + w["bias"]


def narm(w: Weights, history: list[int], user: int) -> np.ndarray:
    """a_j = softmax(v . s(A1 h_T + A2 h_j)), score = [h_T ; sum a_j h_j] B e_i"""
    h = gru_states(w, w["embedding.weight"][history])
    a = softmax(sigmoid(w["query"] @ h[-1] + h @ w["key"].T) @ w["score"])
    return w["embedding.weight"] @ (w["decoder"] @ np.concatenate([h[-1], a @ h]))


def attention(w: Weights, name: str, x: np.ndarray, causal: bool) -> np.ndarray:
    q, k, v = np.split(affine(w, name + ".qkv", x), 3, axis=1)
    width, outputs = HIDDEN // HEADS, []
    for head in range(HEADS):
        own = slice(head * width, (head + 1) * width)
        scores = q[:, own] @ k[:, own].T / np.sqrt(width)
        if causal:
            scores = np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)
        outputs.append(softmax(scores) @ v[:, own])
    return affine(w, name + ".projection", np.concatenate(outputs, axis=1))


def transformer(w: Weights, items: list[int], causal: bool) -> np.ndarray:
    x = norm(w, "embedding_layer_norm", w["embedding.weight"][items] + w["positions.weight"][: len(items)])
    for i in range(BLOCKS):
        block = f"blocks.{i}."
        y = norm(w, block + "attention_layer_norm", attention(w, block + "attention", x, causal) + x)
        x = norm(w, block + "feed_forward_layer_norm", feed_forward(w, block + "feed_forward", y) + y)
    return x


def sasrec(w: Weights, history: list[int], user: int) -> np.ndarray:
    return w["embedding.weight"] @ transformer(w, history, causal=True)[-1]


def bert4rec(w: Weights, history: list[int], user: int) -> np.ndarray:
    """The mask, item |I| + 1, behind the last L - 1 items."""
    h = transformer(w, history[-(LENGTH - 1) :] + [ITEMS + 1], causal=False)[-1]
    return w["embedding.weight"][: ITEMS + 1] @ gelu(affine(w, "transform", h)) + w["bias"]


def filtered(x: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
    """Circular convolution of each column with the inverse transform of the half spectrum."""
    length = len(x)
    taps = np.fft.irfft(spectrum, n=length, axis=0)
    y = np.zeros_like(x)
    for t in range(length):
        for u in range(length):
            y[t] += taps[u] * x[(t - u) % length]
    return y


def fmlp_rec(w: Weights, history: list[int], user: int) -> np.ndarray:
    items = [0] * (LENGTH - len(history)) + history
    x = norm(w, "embedding_layer_norm", w["embedding.weight"][items] + w["positions.weight"])
    for i in range(BLOCKS):
        block = f"blocks.{i}."
        y = norm(w, block + "filter_layer_norm", filtered(x, w[block + "filter"]) + x)
        x = norm(w, block + "feed_forward_layer_norm", feed_forward(w, block + "feed_forward", y) + y)
    return w["embedding.weight"] @ x[-1]


Scorer = Callable[[Weights, list[int], int], np.ndarray]


def shapes() -> dict[str, tuple[Scorer, dict[str, tuple[int, ...]]]]:
    """Of each model the function and the shapes of its parameters."""
    h, table = HIDDEN, (ITEMS + 1, HIDDEN)

    def affine_shapes(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
        return {name + ".weight": (outputs, inputs), name + ".bias": (outputs,)}

    def norm_shapes(name: str) -> dict[str, tuple[int, ...]]:
        return {name + ".weight": (h,), name + ".bias": (h,)}

    def ffn_shapes(block: str) -> dict[str, tuple[int, ...]]:
        ffn = block + "feed_forward"
        return (
            affine_shapes(ffn + ".w_1", h, 4 * h)
            | affine_shapes(ffn + ".w_2", 4 * h, h)
            | norm_shapes(ffn + "_layer_norm")
        )

    def gru_shapes(inputs: int, size: int) -> dict[str, tuple[int, ...]]:
        return {
            "gru.input_weight": (3 * size, inputs),
            "gru.input_bias": (3 * size,),
            "gru.recurrent_weight": (3 * size, size),
            "gru.recurrent_bias": (size,),
        }

    blocks: dict[str, tuple[int, ...]] = {}
    filters: dict[str, tuple[int, ...]] = {}
    for i in range(BLOCKS):
        block = f"blocks.{i}."
        blocks |= affine_shapes(block + "attention.qkv", h, 3 * h) | affine_shapes(block + "attention.projection", h, h)
        blocks |= norm_shapes(block + "attention_layer_norm") | ffn_shapes(block)
        filters |= {block + "filter": (LENGTH // 2 + 1, h)} | norm_shapes(block + "filter_layer_norm")
        filters |= ffn_shapes(block)
    embedded = {"embedding.weight": table, "positions.weight": (LENGTH, h)} | norm_shapes("embedding_layer_norm")
    users = {"users.weight": (USERS + 1, h)}
    bias = {"bias": (ITEMS + 1,)}
    return {
        "mf": (mf, users | {"items.weight": table} | bias),
        "fpmc": (fpmc, users | {"last.weight": table, "items.weight": (ITEMS + 1, 2 * h)}),
        "fism": (fism, {"history.weight": table, "items.weight": table} | bias),
        "gru4rec": (gru4rec, {"embedding.weight": table} | gru_shapes(h, h) | bias),
        "narm": (
            narm,
            {"embedding.weight": table, "query": (2 * h, 2 * h), "key": (2 * h, 2 * h), "score": (2 * h,)}
            | gru_shapes(h, 2 * h)
            | {"decoder": (h, 4 * h)},
        ),
        "sasrec": (sasrec, embedded | blocks),
        "bert4rec": (
            bert4rec,
            embedded | {"embedding.weight": (ITEMS + 2, h)} | blocks | affine_shapes("transform", h, h) | bias,
        ),
        "fmlp-rec": (fmlp_rec, embedded | filters),
    }


def scores(score: Scorer, w: Weights) -> np.ndarray:
    return np.array([score(w, history, 1 + i) for i, history in enumerate(HISTORIES)])


def loss(score: Scorer, w: Weights) -> float:
    share = softmax(scores(score, w))
    return float(-np.mean([np.log(share[i, target]) for i, target in enumerate(TARGETS)]))


def gradient(score: Scorer, w: Weights, name: str) -> np.ndarray:
    """dL/dRe + i dL/dIm of every entry, by central differences of fourth order."""
    result = np.zeros_like(w[name])
    for index in np.ndindex(w[name].shape):
        for direction in (1, 1j) if np.iscomplexobj(w[name]) else (1,):

            def moved(steps: int, index: Any = index, direction: Any = direction) -> float:
                changed = w[name].copy()
                changed[index] += steps * STEP * direction
                return loss(score, w | {name: changed})

            slope = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * STEP)
            result[index] += direction * slope
    return result


def main() -> None:
    """Writes the fixture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    tensors: dict[str, np.ndarray] = {}
    for model, (score, wanted) in shapes().items():
        w: Weights = {}
        for name, shape in wanted.items():
            x = 0.5 * rng.standard_normal(shape)
            if name.endswith("filter"):
                w[name] = (x + 0.5j * rng.standard_normal(shape)).astype(np.complex64).astype(np.complex128)
            else:
                w[name] = x + 1 if name.endswith("layer_norm.weight") else x
        for name, x in w.items():
            stored = np.complex64 if np.iscomplexobj(x) else np.float64
            tensors[f"{model}.weights.{name}"] = x.astype(stored)
            tensors[f"{model}.grads.{name}"] = gradient(score, w, name).astype(stored)
        tensors[f"{model}.scores"] = scores(score, w)
        tensors[f"{model}.loss"] = np.array([loss(score, w)])
        print(f"{model}: {sum(x.size for x in w.values())} numbers, loss {loss(score, w):.6f}", flush=True)
    metadata = {"made_by": f"tools/reference/rivals_reference.py --seed {arguments.seed}"}
    safetensors_np.write(arguments.out, tensors, metadata)


if __name__ == "__main__":
    main()
