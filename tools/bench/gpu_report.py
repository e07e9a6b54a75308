"""Makes the report of tools/gpu_check.sh: python3 tools/bench/gpu_report.py RESULTS FILE.

RESULTS holds for every step SECTION.TITLE.step (title, exit code, seconds, version, command), .out and, where it failed,
.err.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

SECTIONS = {
    "device": "The machine",
    "tests": "Tests",
    "parity": "Parity with the published model",
    "training": "Losses on CPU and GPU, step by step",
    "bits": "The same bits every time",
    "ways": "Ways that are not the default yet",
    "benchmarks": "Benchmarks",
    "sanitizer": "compute-sanitizer",
    "scan": "The scan",
    "peers": "Beside PyTorch on this GPU",
    "full": "Trainings to early stopping",
}
METRICS = ["Recall@10", "Recall@20", "NDCG@10", "NDCG@20"]


@dataclass(frozen=True)
class Step:
    section: str
    title: str
    code: int
    seconds: int
    version: str
    command: str
    out: str
    err: str

    def json(self) -> dict | None:
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            return None


def read(folder: Path) -> list[Step]:
    steps = []
    for path in sorted(folder.glob("*.step"), key=lambda p: p.stat().st_mtime):
        title, code, seconds, version, command = path.read_text(errors="replace").rstrip("\n").split("\n", 4)
        text = [p.read_text(errors="replace") if p.exists() else "" for p in (path.with_suffix(".out"), path.with_suffix(".err"))]
        steps.append(Step(path.name.split(".")[0], title, int(code), int(seconds), version, command, *text))
    return steps


def versions(steps: list[Step]) -> list[str]:
    return list(dict.fromkeys(s.version for s in steps))


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def text(step: Step, most: int = 40) -> str:
    """The last lines; of a step that failed also the first, and some from each that says why."""
    lines = (step.out + step.err).strip().split("\n")
    shown = set(range(len(lines))[-most:])
    if step.code != 0:
        reasons = [i + k for i, line in enumerate(lines) if re.search("Failure|CUDA:", line) for k in range(5)]
        shown.update(range(min(most, len(lines))), (i for i in reasons[: 2 * most] if i < len(lines)))
    parts = []
    for i in sorted(shown):
        if i > 0 and i - 1 not in shown:
            parts.append("...")
        parts.append(lines[i])
    return "```\n" + "\n".join(parts) + "\n```\n"


def outcome(step: Step) -> str:
    if step.code in (124, 137):
        return "**took too long**"
    return "ok" if step.code == 0 else f"**exit code {step.code}**"


def scan(steps: list[Step]) -> str:
    """The rate of every algorithm as a share of a copy's in the same run."""
    result = steps[-1].json()
    if result is None:
        return ""
    rows = [
        [
            f"{r['length']:,}",
            f"{r['sequences']:,}",
            r["algorithm"],
            f"{r['seconds_median'] * 1e6:,.0f} us",
            f"{r['gbps']:,.0f} GB/s",
            f"{r['gbps'] / result['copy_gbps']:.1%}",
        ]
        for r in result["results"]
    ]
    title = f"linear_scan, complex, {result['channels']} channels (a copy: {result['copy_gbps']:,.0f} GB/s):\n\n"
    return title + table(["length", "sequences", "algorithm", "median", "rate", "of a copy"], rows)


def incremental(result: dict) -> str:
    rows = [
        [name, f"{result[key + '_p50'] * 1e6:.0f} us", f"{result[key + '_p99'] * 1e6:.0f} us"]
        for name, key in (("step", "step"), (f"step and top 10 of {result['items']:,} items", "step_and_top_k"))
    ]
    return "One user's next event:\n\n" + table(["", "p50", "p99"], rows)


def benchmarks(steps: list[Step]) -> str:
    rows = []
    for step in steps:
        result = step.json()
        if result is None or step.title == "incremental":
            continue
        seconds = result.get("step_seconds_median", result.get("seconds_median"))
        rows.append(
            [
                step.title,
                f"{seconds * 1e6:.0f} us" if seconds < 0.1 else f"{seconds:.3f} s",
                f"{result['floor_seconds'] * 1e6:.0f} us",
                f"{result['ratio_to_floor']:.2f}",
                f"{result['peak_memory_bytes'] / 1e6:.0f} MB",
                f"{result['sgemm_gflops'] / 1e3:.0f} TF/s, {result['copy_gbps']:.0f} GB/s",
            ]
        )
    parts = [table(["", "median", "floor", "ratio", "tensors' memory", "cuBLAS, copy"], rows)] if rows else []
    for step in steps:
        result = step.json()
        if result is not None and step.title == "incremental":
            parts.append(incremental(result))
    return "\n".join(parts)


def ways(steps: list[Step]) -> str:
    """A step in every way, and how many times as long one took as it is, round by round."""
    results: dict[str, dict[str, dict[str, dict]]] = {}
    for step in steps:
        result = step.json()
        if result is not None and step.code == 0 and "step_seconds_median" in result:
            way, data, turn = step.title.rsplit(", ", 2)
            results.setdefault(data, {}).setdefault(way, {})[turn] = result
    rows = []
    for data, by_way in results.items():
        for way, turns in by_way.items():
            base = by_way.get("as it is, without TF32" if "without TF32" in way else "as it is", {})
            seconds = {turn: r["step_seconds_median"] for turn, r in turns.items()}
            ratios = [base[turn]["step_seconds_median"] / s for turn, s in seconds.items() if turn in base]
            graphs = next(iter(turns.values()))["graphs"]
            rows.append(
                [
                    data,
                    way,
                    f"{statistics.median(seconds.values()) * 1e6:.0f} us",
                    f"{statistics.median(ratios):.2f} ({min(ratios):.2f} .. {max(ratios):.2f})" if ratios else "",
                    f"{graphs['recorded_steps']} by {graphs['made']} graphs" if graphs["recorded_steps"] else "",
                ]
            )
    return table(["data", "", "a step", "as it is / this", "recorded steps"], rows) if rows else ""


def peers(steps: list[Step]) -> str:
    seconds: dict[str, dict[str, list[float]]] = {}
    for step in steps:
        result = step.json()
        if result is not None and step.code == 0:
            design, data, _ = step.title.split(", ")
            seconds.setdefault(data, {}).setdefault(design, []).append(result["step_seconds_median"])
    rows = []
    for data, designs in seconds.items():
        median = {design: statistics.median(values) for design, values in designs.items()}
        if "lrurec" not in median:
            continue
        for design, name in (
            ("lrurec", "lrurec"),
            ("packed", "PyTorch, packed, torch.compile"),
            ("padded", "PyTorch, as published, eager"),
        ):
            if design in median:
                ratio = median[design] / median["lrurec"]
                rows.append([data, name, f"{median[design] * 1e6:.0f} us", f"{ratio:.1f}", str(len(designs[design]))])
    return table(["data", "", "a step", "times lrurec", "rounds"], rows)


def full(steps: list[Step]) -> str:
    rows: list[list[str]] = []
    values: dict[str, list[list[float]]] = {}
    for step in steps:
        result = step.json()
        if result is None or "test metrics" not in step.title:
            continue
        metrics = [result["metrics"]["LRURec"][name] for name in METRICS]
        name = step.title.replace(", test metrics", "")
        rows.append([name, str(result["step"]), *(f"{x:.5f}" for x in metrics)])
        if "CPU" not in step.title:
            values.setdefault(step.title.split(",")[0], []).append(metrics)
    for data, runs in values.items():
        if len(runs) > 1:
            columns = list(zip(*runs))
            rows.append(
                [f"{data}, mean (deviation)", ""]
                + [f"{statistics.mean(c):.5f} ({statistics.stdev(c):.5f})" for c in columns]
            )
    return table(["", "best step", *METRICS], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="RESULTS", type=Path)
    parser.add_argument("target", metavar="FILE", type=Path)
    options = parser.parse_args()
    folder, target = options.folder, options.target
    steps = read(folder)
    if not steps:
        print(f"gpu_report: there are no results in {folder}", file=sys.stderr)
        return 1
    failed = [s for s in steps if s.code != 0]
    several = len(versions(steps)) > 1
    from_version = "several versions, named in each section" if several else f"version {steps[0].version}"
    lines = [
        "# Results on a GPU",
        "",
        f"Made by `tools/gpu_check.sh` on {datetime.date.today()} from {from_version}: {len(steps)} steps, "
        + (f"**{len(failed)} failed**." if failed else "none failed."),
        "",
    ]
    for section, heading in SECTIONS.items():
        mine = [s for s in steps if s.section == section]
        if not mine:
            lines += [f"## {heading}", "", "Not run.", ""]
            continue
        lines += [f"## {heading}", ""]
        if several:
            lines += [f"From version {', '.join(versions(mine))}.", ""]
        lines.append(
            table(
                ["step", "", "seconds"],
                [[s.title, outcome(s), str(s.seconds)] for s in mine],
            )
        )
        summary = {"ways": ways, "benchmarks": benchmarks, "scan": scan, "peers": peers, "full": full}.get(section)
        if summary is not None:
            lines.append(summary(mine))
        for step in mine:
            if step.code != 0 or section in ("device", "training", "bits"):
                lines.append(f"{step.title}:\n\n{text(step)}")
        if section in ("tests", "sanitizer", "parity"):
            summaries = re.compile(r"(?:PASSED|(?:ERROR|RACECHECK) SUMMARY|cases,).*")
            last = [f"{s.title}: `{line}`" for s in mine for line in summaries.findall(s.out)]
            lines += ["- " + line for line in last] + [""]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
