"""Times whole training steps of one design and prints them, as JSON with --json.

A step is forward, backward, clip and AdamW on its own batch. The batches are those of `lrurec train` with
seed 1, in its order; they are made before the clock starts and lie on the device. On a GPU the time of a run is that
of all its steps together, until the GPU has finished, divided by their number.
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
import packed_gpu
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
    parser.add_argument("--design", required=True, choices=["padded", "packed", "packed-gpu"])
    parser.add_argument("--max-length", type=positive, required=True)
    parser.add_argument("--batch-size", type=positive, default=128)
    parser.add_argument("--dropout", type=probability, default=0.2)
    parser.add_argument("--steps", type=positive, default=10, help="timed steps of a run")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them, not timed")
    parser.add_argument(
        "--runs", type=positive, default=3, help="each continues the training of the one before"
    )
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda; packed is for the CPU")
    parser.add_argument("--compile", action="store_true", help="torch.compile; packed-gpu only")
    parser.add_argument("--tf32", action="store_true", help="let float32 products use TF32")
    parser.add_argument(
        "--bf16", action="store_true", help="let float32 products on a CPU round operands to bf16"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def peak_memory() -> int:
    """Bytes of the whole process, the interpreter and PyTorch included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def time_steps(trainer, batches: list, device: str) -> tuple[list[float], list]:
    """Seconds of each step, on a GPU the mean for each, and the losses."""
    losses, times = [], []
    if device != "cpu":
        torch.cuda.synchronize()
    begin = time.perf_counter()
    for batch in batches:
        start = time.perf_counter()
        losses.append(trainer.step(batch))
        times.append(time.perf_counter() - start)
    if device != "cpu":
        torch.cuda.synchronize()
        times = [(time.perf_counter() - begin) / len(batches)] * len(batches)
    return times, [float(x) for x in losses]


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
    device, options = arguments.device, {"dropout": arguments.dropout}
    torch.backends.cuda.matmul.allow_tf32 = arguments.tf32
    if arguments.bf16:
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    if arguments.design == "padded":
        trainer = padded.Trainer(padded.PaddedLRURec(weights, **options).to(device))
        make = lambda step: tuple(x.to(device) for x in batcher.padded(step))
    elif arguments.design == "packed":
        trainer = packed.Trainer(packed.PackedLRURec(weights, **options))
        make = batcher.packed
    else:
        model = packed_gpu.PackedGpuLRURec(weights, arguments.max_length, **options).to(device)
        trainer = packed_gpu.Trainer(model, arguments.compile)
        make = lambda step: packed_gpu.by_sequence(batcher.packed(step), device)
    del dataset, weights
    before_training = peak_memory()

    seconds, runs, losses, step = [], [], [], 0
    for _ in range(arguments.runs):
        batches = [make(step + i) for i in range(arguments.warmup + arguments.steps)]
        step += len(batches)
        losses += time_steps(trainer, batches[: arguments.warmup], device)[1]
        times, more = time_steps(trainer, batches[arguments.warmup :], device)
        losses += more
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
        "device": torch.cuda.get_device_name() if device != "cpu" else "cpu",
        "compiled": arguments.compile,
        "tf32": arguments.tf32,
        "bf16": arguments.bf16,
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
