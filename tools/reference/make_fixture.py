"""Makes the small parity fixture of the tests: python make_fixture.py OUT [--seed N].

Weights are rounded to float32 first, and everything is computed from the rounded ones in double precision.
"""

import argparse

import numpy as np

import lrurec_reference as reference
import safetensors_np

HIDDEN, BLOCKS, ITEMS, LENGTH, EPS = 4, 2, 11, 7, 1e-5


def random_weights(rng: np.random.Generator) -> reference.Weights:
    """Large enough for every parameter to matter."""
    channels = 2 * HIDDEN

    def real(*shape: int, scale: float = 0.5) -> np.ndarray:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    def complex_(*shape: int, scale: float = 0.5) -> np.ndarray:
        return (real(*shape, scale=scale) + 1j * real(*shape, scale=scale)).astype(np.complex64)

    def norm(name: str) -> reference.Weights:
        return {name + ".weight": 1 + real(HIDDEN, scale=0.3), name + ".bias": real(HIDDEN, scale=0.3)}

    w = {"embedding.token.weight": real(ITEMS + 1, HIDDEN), "model.bias": real(ITEMS + 1)}
    w |= norm("embedding.layer_norm")
    for i in range(BLOCKS):
        layer, ffn = f"model.lru_blocks.{i}.lru_layer.", f"model.lru_blocks.{i}.feed_forward."
        modulus = rng.uniform(0.5, 0.99, channels)
        angle = rng.uniform(0.1, 2 * np.pi, channels)
        gamma = np.sqrt(1 - modulus**2) * rng.uniform(0.5, 1.5, channels)
        w[layer + "params_log"] = np.log([-np.log(modulus), angle, gamma]).astype(np.float32)
        w[layer + "in_proj.weight"] = complex_(channels, HIDDEN)
        w[layer + "in_proj.bias"] = complex_(channels)
        w[layer + "out_proj.weight"] = complex_(HIDDEN, channels, scale=0.3)
        w[layer + "out_proj.bias"] = complex_(HIDDEN)
        w |= norm(layer + "layer_norm") | norm(ffn + "layer_norm")
        w[ffn + "w_1.weight"] = real(4 * HIDDEN, HIDDEN)
        w[ffn + "w_1.bias"] = real(4 * HIDDEN)
        w[ffn + "w_2.weight"] = real(HIDDEN, 4 * HIDDEN, scale=0.3)
        w[ffn + "w_2.bias"] = real(HIDDEN)
    return w


def make_batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of different lengths: the item after each input is its label, the first item's input is padding."""
    lengths = [LENGTH + 1, LENGTH, 5, 2, 1]  # items; one more than LENGTH needs no padding at all
    items = np.zeros((len(lengths), LENGTH), dtype=np.int64)
    labels = np.zeros_like(items)
    for row, n in enumerate(lengths):
        sequence = rng.permutation(ITEMS)[:n] + 1
        if n > 1:
            items[row, -(n - 1) :] = sequence[:-1][-LENGTH:]
        labels[row, -min(n, LENGTH) :] = sequence[-LENGTH:]
    return items, labels


def main() -> None:
    """Writes weights, batch, logits, loss and every gradient."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)

    stored = random_weights(rng)
    items, labels = make_batch(rng)
    w = reference.double(stored)
    batch = (items, labels, BLOCKS, EPS)
    value = reference.loss(w, *batch)
    tensors = {"weights." + name: x for name, x in stored.items()}
    for name, x in w.items():
        gradient = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            entry = reference.gradient_entry(w, name, index, *batch)
            gradient[index] = entry if np.iscomplexobj(x) else entry.real
        tensors["grads." + name] = gradient.astype(stored[name].dtype)
        print(f"{name}: {x.size} entries", flush=True)
    tensors["input"], tensors["labels"] = items, labels
    tensors["logits"] = reference.logits(w, items, BLOCKS, EPS).astype(np.float32)
    tensors["loss"] = np.array([value], dtype=np.float32)
    metadata = {
        "hidden": str(HIDDEN),
        "blocks": str(BLOCKS),
        "num_items": str(ITEMS),
        "max_len": str(LENGTH),
        "layer_norm_eps": str(EPS),
        "loss_f64": repr(value),
        "made_by": f"tools/reference/make_fixture.py --seed {arguments.seed}",
    }
    safetensors_np.write(arguments.out, tensors, metadata)
    print(f"loss {value:.12f}, written to {arguments.out}")


if __name__ == "__main__":
    main()
