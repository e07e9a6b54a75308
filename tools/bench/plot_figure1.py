#!/usr/bin/env python3
"""Figure 1 of the paper, as SVG (needs matplotlib).

Left: validation Recall@10 while models train, over steps and over seconds of training. RUN is a run folder; MS is what
a step takes on a machine that does nothing else (`lrurec bench train DATA --model MODEL`), since the runs
themselves may have shared theirs.

    tools/bench/plot_figure1.py left OUT.svg NAME=RUN:MS...

Right: cumulative time of a user's events, ten best items after each; FILE is `lrurec bench incremental --model MODEL --json`.

    tools/bench/plot_figure1.py right OUT.svg NAME=FILE...
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

# Each model has a colour, a line and a mark of its own: red and green look alike to many.
LOOKS = [dict(color="#2f6eb5", linestyle="-", marker="o"), dict(color="#b5482f", linestyle="--", marker="s"),
         dict(color="#3f8f4f", linestyle="-.", marker="^"), dict(color="#8a5fb0", linestyle=":", marker="D")]


def left(figure: plt.Figure, named: list[tuple[str, str]]) -> None:
    over_steps, over_seconds = figure.subplots(1, 2, sharey=True)
    for look, (name, argument) in zip(LOOKS, named):
        run, milliseconds = argument.rsplit(":", 1)
        lines = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
        rounds = {line["step"]: line["Recall@10"] for line in lines if line["split"] == "val"}
        steps = sorted(rounds)
        recall = [rounds[step] for step in steps]
        marks = dict(markersize=4, markevery=max(1, len(steps) // 12))
        over_steps.plot(steps, recall, label=name, **look, **marks)
        over_seconds.plot([step * float(milliseconds) / 1e3 for step in steps], recall, label=name, **look, **marks)
    over_steps.set(xlabel="steps", ylabel="validation Recall@10", ylim=(0, None))
    over_seconds.set(xlabel="seconds of training")
    for axes in (over_steps, over_seconds):
        axes.grid(alpha=0.3)
        axes.set_xlim(0)
    over_steps.legend(frameon=False, loc="lower right")


def right(figure: plt.Figure, named: list[tuple[str, str]]) -> None:
    axes = figure.subplots()
    for look, (name, path) in zip(LOOKS, named):
        result = json.loads(Path(path).read_text())
        rows = result["by_length"]
        events = [row["events"] for row in rows]
        again = [row["recomputing_cumulative_seconds"] for row in rows]
        own = [row["cumulative_seconds"] for row in rows]
        axes.plot(events, again, **look, fillstyle="none", markersize=5, label=f"{name}, whole history again")
        if own != again:
            axes.plot(events, own, **look, markersize=4, label=f"{name}, step by step")
    axes.set(xscale="log", yscale="log", xlabel="events", ylabel="cumulative seconds",
             title=f"One user, {result['items']:,} items, ten best after every event")
    axes.set_xscale("log", base=2)
    axes.grid(which="major", alpha=0.3)
    axes.legend(frameon=False)


def main() -> int:
    sides = {"left": (left, (9, 3.6)), "right": (right, (6, 4))}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=sides)
    parser.add_argument("out", metavar="OUT.svg")
    parser.add_argument("named", metavar="NAME=RUN:MS|NAME=FILE", nargs="+")
    options = parser.parse_args()
    named = [(name, argument) for name, found, argument in (a.partition("=") for a in options.named) if found]
    if len(named) != len(options.named):
        parser.error("what is drawn needs a name: NAME=RUN:MS or NAME=FILE")
    import matplotlib  # after --help, which does without

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "figure1"
    draw, size = sides[options.side]
    figure = plt.figure(figsize=size, layout="constrained")
    draw(figure, named)
    figure.savefig(options.out, metadata={"Date": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
