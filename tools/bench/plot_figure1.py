#!/usr/bin/env python3
"""Figure 1 of the paper, right side, from `lrurec bench incremental --json`: cumulative time of a user's events.

    lrurec bench incremental --json > incremental.json
    tools/bench/plot_figure1.py incremental.json docs/figure1-right.svg      (needs matplotlib)
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    events = [row["events"] for row in result["by_length"]]
    matplotlib.rcParams["svg.hashsalt"] = "figure1"
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(events, [row["recomputing_cumulative_seconds"] for row in result["by_length"]], "o-",
              color="#b5482f", label="whole history again")
    axes.plot(events, [row["cumulative_seconds"] for row in result["by_length"]], "o-", color="#2f6eb5",
              label="incremental")
    axes.set(xscale="log", yscale="log", xlabel="events", ylabel="cumulative seconds",
             title=f"One user, {result['items']:,} items, ten best after every event")
    axes.set_xscale("log", base=2)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(sys.argv[2], metadata={"Date": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
