"""Writes interactions of a given shape as SASRec text (`user item` a line), for timing: random items, no repeats.

    make_shape.py --users 31013 --items 23715 --mean-length 9.3 > video-shaped.txt

Lengths are 5 plus an exponential number, as in `lrurec prepare --demo`; every item is taken at least once, so that
the catalogue has its full size. There is nothing to learn in these data.
"""

import argparse
import sys

import numpy as np


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--mean-length", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    lengths = 5 + random.exponential(arguments.mean_length - 5, arguments.users).round().astype(int)
    unseen = iter(random.permutation(arguments.items) + 1)
    for user, length in enumerate(lengths, start=1):
        items = set()
        for item in unseen:
            items.add(int(item))
            break
        while len(items) < min(length, arguments.items):
            items.add(int(random.integers(1, arguments.items + 1)))
        sys.stdout.writelines(f"{user} {item}\n" for item in items)
    return 0


if __name__ == "__main__":
    sys.exit(main())
