"""Compares the reference with parity fixtures: python check_reference.py FIXTURE...

Logits of all positions and the loss, and a random sample of the entries of each gradient. Exits 1 when a difference is
beyond the tolerances of docs/parity.md.
"""

import argparse
import sys

import numpy as np

import lrurec_reference as reference
import safetensors_np


def check(path: str, sample: int) -> bool:
    """Prints the differences of one fixture; whether all are allowed.

    The difference of a gradient is the norm of found - wanted over the norm of wanted. From a sample of the entries it
    is estimated by scaling the sampled norm up to the whole tensor, so it never falls below the largest single entry.
    """
    tensors, metadata = safetensors_np.read(path)
    w = reference.double(
        {name.removeprefix("weights."): x for name, x in tensors.items() if name.startswith("weights.")}
    )
    items, labels = tensors["input"], tensors["labels"]
    blocks, eps = int(metadata["blocks"]), float(metadata["layer_norm_eps"])

    logits = np.abs(reference.logits(w, items, blocks, eps) - tensors["logits"]).max()
    expected = float(tensors["loss"][0])
    loss = abs(reference.loss(w, items, labels, blocks, eps) - expected) / expected
    print(f"{path}: logits {logits:.1e} (allowed 2e-04), loss {loss:.1e} (allowed 1e-05)")
    ok = logits <= 2e-4 and loss <= 1e-5

    rng = np.random.default_rng(0)
    for name, x in w.items():
        wanted = tensors["grads." + name]
        entries = rng.permutation(x.size)[:sample]
        found = np.array(
            [
                reference.gradient_entry(w, name, np.unravel_index(i, x.shape), items, labels, blocks, eps)
                for i in entries
            ]
        )
        difference = np.linalg.norm(found - wanted.reshape(-1)[entries])
        difference *= np.sqrt(x.size / len(entries)) / np.linalg.norm(wanted)
        good = difference <= 1e-3
        ok = ok and good
        print(f"  {name}: {len(entries)} of {x.size} entries, {difference:.1e} of the norm{'' if good else '  DIFFERS'}")
    return bool(ok)


def main() -> None:
    """Checks each file; the exit status says whether all agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fixtures", nargs="+")
    parser.add_argument("--sample", type=int, default=300, help="entries of each gradient (default 300)")
    arguments = parser.parse_args()
    sys.exit(0 if all([check(path, arguments.sample) for path in arguments.fixtures]) else 1)


if __name__ == "__main__":
    main()
