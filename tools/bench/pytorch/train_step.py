"""Times whole training steps of one design and prints them, as JSON with --json.

A step is forward, backward, clip and AdamW on its own batch. The batches are those of `lrurec train` with
seed 1, in its order; they are made before the clock starts, and on the CPU nothing is left to transfer.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time

import torch

import data
import packed
import padded
import parameters


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def probability(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError("must lie in [0, 1)")
    return value


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="SASRec text, `user item` a line")
    parser.add_argument("--design", required=True, choices=["padded", "packed"])
    parser.add_argument("--max-length", type=positive, required=True)
    parser.add_argument("--batch-size", type=positive, default=128)
    parser.add_argument("--dropout", type=probability, default=0.2)
    parser.add_argument("--steps", type=positive, default=10, help="timed steps of a run")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them, not timed")
    parser.add_argument(
        "--runs", type=positive, default=3, help="each continues the training of the one before"
    )
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def peak_memory() -> int:
    """Bytes of the whole process, the interpreter and PyTorch included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    try:
        dataset = data.read_sasrec(arguments.data)
        batcher = data.Batcher(dataset, arguments.max_length, arguments.batch_size)
    except data.DataError as error:
        print(f"train_step: {error}", file=sys.stderr)
        return 2
    weights = parameters.initial(dataset.num_items)
    if arguments.design == "padded":
        trainer = padded.Trainer(padded.PaddedLRURec(weights, dropout=arguments.dropout))
        make = batcher.padded
    else:
        trainer = packed.Trainer(packed.PackedLRURec(weights, dropout=arguments.dropout))
        make = batcher.packed
    del dataset, weights
    before_training = peak_memory()

    seconds, runs, losses, step = [], [], [], 0
    for _ in range(arguments.runs):
        batches = [make(step + i) for i in range(arguments.warmup + arguments.steps)]
        step += len(batches)
        times = []
        for batch in batches:
            start = time.perf_counter()
            losses.append(trainer.step(batch))
            times.append(time.perf_counter() - start)
        times = times[arguments.warmup :]
        runs.append(statistics.median(times))
        seconds += times

    quartiles = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
    result = {
        "design": arguments.design,
        "step_seconds_median": quartiles[1],
        "step_seconds_quartiles": [quartiles[0], quartiles[2]],
        "step_seconds_of_runs": runs,
        "steps": len(seconds),
        "peak_memory_bytes": peak_memory(),
        "memory_before_training_bytes": before_training,
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "torch": torch.__version__,
        "threads": arguments.threads,
        "batch_size": arguments.batch_size,
        "max_length": arguments.max_length,
        "dropout": arguments.dropout,
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{arguments.design}: {quartiles[1]:.3f} s a step ({quartiles[0]:.3f} to {quartiles[2]:.3f}), "
            f"{result['peak_memory_bytes'] / 1e9:.2f} GB, loss {losses[0]:.4f} -> {losses[-1]:.4f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
