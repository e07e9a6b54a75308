"""Cumulative time of one user's steps 1, 2, ..., n where each recomputes the whole prefix with the padded
model.

This is what a model without a kept state must do, and what the published code does: step n encodes n items
(padded to a power of two) and scores all items at the last position. Scores of the other positions, which the
published code computes as well, are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import torch
import torch.nn.functional as F

import parameters
from padded import PaddedLRURec


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=2048)
    parser.add_argument("--num-items", type=int, default=3416, help="default: MovieLens-1M")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.steps < 1 or arguments.num_items < 1:
        parser.error("--steps and --num-items must be at least 1")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)

    model = PaddedLRURec(parameters.initial(arguments.num_items)).eval()
    items = torch.randint(1, arguments.num_items + 1, (1, arguments.steps))
    marks = sorted({n for n in (1 << k for k in range(31)) if n <= arguments.steps} | {arguments.steps})
    cumulative, total = {}, 0.0
    with torch.inference_mode():
        model.encode(items[:, :1])  # what happens once only is not timed
        for n in range(1, arguments.steps + 1):
            start = time.perf_counter()
            last = model.encode(items[:, :n])[:, -1]
            F.linear(last, model.embedding.token.weight, model.model.bias)
            total += time.perf_counter() - start
            if n in marks:
                cumulative[n] = total
    if arguments.json:
        result = {
            "torch": torch.__version__,
            "threads": arguments.threads,
            "num_items": arguments.num_items,
            "steps": arguments.steps,
            "seconds_total": total,
            "seconds_cumulative": cumulative,
        }
        print(json.dumps(result))
    else:
        for n, seconds in cumulative.items():
            print(f"{n:5} steps  {seconds:9.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
