"""Puts the results of compare_pytorch.sh together: python table.py FOLDER OUTPUT.

FOLDER holds NAME.DESIGN.ROUND.json, one a started process; DESIGN is ours, padded or packed. The time of a
design is the median over rounds of the round's median step, its range the least and the largest of them, its
memory the largest peak.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from pathlib import Path

DESIGNS = {"ours": "lrurec", "packed": "PyTorch, packed", "padded": "PyTorch, as published (padded)"}


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def summary(rounds: list[dict]) -> dict:
    medians = [r["step_seconds_median"] for r in rounds]
    return {
        "step_seconds": statistics.median(medians),
        "step_seconds_range": [min(medians), max(medians)],
        "peak_memory_bytes": max(r["peak_memory_bytes"] for r in rounds),
        "rounds": rounds,
    }


def collect(folder: Path) -> dict[str, dict[str, dict]]:
    """results[name][design]"""
    rounds: dict[str, dict[str, list[dict]]] = {}
    for path in sorted(folder.glob("*.*.*.json")):
        name, design, _, _ = path.name.rsplit(".", 3)
        try:
            result = json.loads(path.read_text())
        except json.JSONDecodeError:
            sys.exit(f"table: {path.name} is not JSON")
        missing = {"step_seconds_median", "peak_memory_bytes"} - result.keys()
        if missing:
            sys.exit(f"table: {path.name} lacks {', '.join(sorted(missing))}")
        rounds.setdefault(name, {}).setdefault(design, []).append(result)
    results = {}
    for name, designs in rounds.items():
        if designs.keys() != DESIGNS.keys():
            sys.exit(f"table: of {name} there are results of {', '.join(sorted(designs))} only")
        results[name] = {design: summary(designs[design]) for design in DESIGNS}
    if not results:
        sys.exit(f"table: there is no result in {folder}")
    return results


def markdown(results: dict[str, dict[str, dict]], machine: str, torch: str) -> str:
    all_rounds = [r for designs in results.values() for d in designs.values() for r in d["rounds"]]
    products = "products in bf16; " if any(r.get("bf16") for r in all_rounds) else ""
    lines = [
        f"One training step, batch 128; {products}{machine}; torch {torch}. Median (least to largest) over rounds.",
        "",
        "| data set | design | seconds per step | times lrurec's | peak memory, GB |",
        "|---|---|---|---|---|",
    ]
    for name, designs in results.items():
        ours = designs["ours"]["step_seconds"]
        for design, title in DESIGNS.items():
            r = designs[design]
            low, high = r["step_seconds_range"]
            seconds = f"{r['step_seconds']:.3f} ({low:.3f} to {high:.3f})"
            memory = r["peak_memory_bytes"] / 1e9
            lines.append(f"| {name} | {title} | {seconds} | {r['step_seconds'] / ours:.2f} | {memory:.2f} |")
    floors = []
    for name, designs in results.items():
        rounds = designs["ours"]["rounds"]
        if all("floor_seconds" in r for r in rounds):
            floor = statistics.median(r["floor_seconds"] for r in rounds)
            floors.append(f"{name} {floor:.3f} s, {designs['ours']['step_seconds'] / floor:.2f} times that")
    if floors:
        lines += ["", f"Floor of a step on this machine, and lrurec: {'; '.join(floors)}."]
    lines += ["", "Peak memory is the whole process; importing PyTorch alone takes part of it.", ""]
    return "\n".join(lines)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: table.py FOLDER OUTPUT")
    results = collect(Path(sys.argv[1]))
    torch = next(iter(results.values()))["packed"]["rounds"][0]["torch"]
    machine = f"{processor()}, {os.cpu_count()} cores"
    output = Path(sys.argv[2])
    document = {"machine": machine, "torch": torch, "results": results}
    (output / "compare_pytorch.json").write_text(json.dumps(document, indent=2) + "\n")
    (output / "compare_pytorch.md").write_text(markdown(results, machine, torch))


if __name__ == "__main__":
    main()
