#!/usr/bin/env python3
"""Step time and memory as the work grows: sequence length, catalogue, batch. Writes Markdown on stdout.

    tools/bench/scaling.py [--lrurec build/bin/lrurec] [--only length|items|batch] [--json FILE]

Data are generated (`lrurec prepare --demo`), steps are timed by `lrurec bench train`. The exponent is the slope of
log(step seconds) over log(size) by least squares, over all sizes and over the upper half of them, where what does
not grow with the size matters less.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

EQUAL = ["--demo-equal-lengths"]
# What grows: sizes, flags of `prepare --demo`, flags of `bench train`; {} stands for the size.
SWEEPS = {
    "length": (
        [50, 100, 200, 500, 1000, 2000],
        ["--demo-users", "64", "--demo-items", "8192", "--demo-length", "{}", *EQUAL],
        ["--max-length", "{}", "--batch-size", "32", "--steps", "7"],
    ),
    "items": (
        [3000, 10000, 30000, 100000, 300000, 1000000, 2122932],
        ["--demo-users", "64", "--demo-items", "{}", "--demo-length", "20", *EQUAL],
        ["--max-length", "50", "--batch-size", "32", "--steps", "5"],
    ),
    "batch": (
        [16, 32, 64, 128, 256, 512],
        ["--demo-users", "1024", "--demo-items", "3416", "--demo-length", "165"],
        ["--max-length", "200", "--batch-size", "{}", "--steps", "7"],
    ),
}
TITLES = {
    "length": "Length of the sequences (32 sequences, 8,192 items)",
    "items": "Items of the catalogue, full softmax (32 sequences of 20)",
    "batch": "Sequences a batch (3,416 items, mean length 165, cut at 200)",
}


def run(command: list) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"scaling: '{' '.join(command)}' ended with {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def slope(points: list) -> float:
    """Of log y over log x, by least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys)) / sum((x - x_mean) ** 2 for x in xs)


def sweep(lrurec: str, name: str) -> list:
    sizes, prepare, bench = SWEEPS[name]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data.lrd")
        for size in sizes:
            at = [flag.format(size) for flag in prepare]
            run([lrurec, "prepare", "--demo", "--force", "-o", data, *at])
            flags = [flag.format(size) for flag in bench]
            result = json.loads(run([lrurec, "bench", "train", data, "--preset", "ml-1m", "--json", *flags]))
            rows.append({"size": size, **result})
            print(f"scaling: {name} {size}: {result['step_seconds_median']:.4f} s", file=sys.stderr)
    return rows


def table(name: str, rows: list) -> str:
    text = f"### {TITLES[name]}\n\n| {name} | tokens | step | ratio to the floor | peak memory |\n|---|---|---|---|---|\n"
    for row in rows:
        seconds = row["step_seconds_median"]
        text += (
            f"| {row['size']:,} | {row['tokens_mean']:,.0f} | {seconds * 1e3:.1f} ms | "
            f"{row['ratio_to_floor']:.2f} | {row['peak_memory_bytes'] / 1e6:,.0f} MB |\n"
        )
    times = [(row["size"], row["step_seconds_median"]) for row in rows]
    memory = [(row["size"], row["peak_memory_bytes"]) for row in rows]
    half = len(rows) // 2
    text += (
        f"\nExponent of the step time {slope(times):.2f} (upper half {slope(times[half:]):.2f}), of the peak memory "
        f"{slope(memory):.2f} (upper half {slope(memory[half:]):.2f}).\n"
    )
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lrurec", default="build/bin/lrurec")
    parser.add_argument("--only", choices=sorted(SWEEPS))
    parser.add_argument("--json", help="file for all results")
    arguments = parser.parse_args()
    results = {name: sweep(arguments.lrurec, name) for name in SWEEPS if arguments.only in (None, name)}
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    print("\n".join(table(name, rows) for name, rows in results.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
