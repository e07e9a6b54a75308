#!/usr/bin/env python3
"""Changes the backward formulas of the operations one at a time and reports which changes the tests do not notice.

    tools/mutate_gradients.py [--only ops/lru] [--limit N] [--jobs N] [--list]

A change is one of: a sign (+ and -), a conjugation left out, a factor of 2, a term that is not added. It is made in a copy
of the project; each is compiled and meets the gradient checks, the reference kernels and the tests of values. What
survives is printed and makes the exit code 1, as does a run in which no change compiled. Needs a checkout by git. Some 15 seconds a change on two cores; all of them take an hour or more.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = "All/GradientCases.*:GradientCases.*:ReferenceKernels.*:Backward.*:Autograd.*:*LinearScan*:Gru.*:*Attention.*:SpectralFilter.*:Segments.*:Model.*:*Sampled*"

# Tokens of a formula, and what becomes of each.
CHANGES = [
    (r"(?<=[\w\)\]]) - (?=[\w\(\*])", " + ", "sign"),
    (r"(?<=[\w\)\]]) \+ (?=[\w\(\*])", " - ", "sign"),
    (r"(?<=[\w\)\]]) \+= (?=[^;]*;)", " -= ", "sign"),
    (r"(?<=[\w\)\]]) -= (?=[^;]*;)", " += ", "sign"),
    (r"(?<=[\w\)\]]) \+= (?=[^;]*;)", " = ", "dropped term"),
    (r"\braw::conj\(", "(", "conj"),
    (r"\bstd::conj\(", "(", "conj"),
    (r"\bconjugate\(", "(", "conj"),
    (r"complex_step<true>", "complex_step<false>", "conj"),
    (r"(?<=[\w\)\]]) \* (?=\w+[\w\.\[\]]*)", " * 2 * ", "factor"),
    (r"TileStart::sum", "TileStart::zero", "dropped term"),
]


def backward_regions(path: Path, text: str):
    """Spans of the text that compute gradients: functions named so, closures given to record(), derivatives in tables."""
    if path.suffix == ".inc":
        for match in re.finditer(r"^(?:UNARY|BINARY)\(.*\)", text, re.M):
            line = match.group(0)
            commas = [m.start() for m in re.finditer(", ", line)]
            first = commas[3]
            yield match.start() + first, match.end()
        return
    for match in re.finditer(r"^[^\n]*\b(?:\w*backward\w*|\w*_gradients?|to_gradient|add_products|finish)\([^;{]*\{\n", text, re.M):
        end = text.find("\n}\n", match.end())
        yield match.end(), end if end > 0 else len(text)
    for match in re.finditer(r"\brecord\(", text):
        start = text.find("[", match.end())
        end = text.find(");\n}", start)
        if 0 < start < end:
            yield start, end


def mutants(only):
    files = sorted(ROOT.glob("ops/*/*.inc")) + sorted(ROOT.glob("ops/*/*.cpp"))
    for path in files:
        name = str(path.relative_to(ROOT))
        if "gradient_cases" in name or (only and not name.startswith(only)):
            continue
        text = path.read_text()
        seen = set()
        for begin, end in backward_regions(path, text):
            for pattern, replacement, kind in CHANGES:
                for match in re.finditer(pattern, text[begin:end]):
                    at = begin + match.start()
                    line = text[text.rfind("\n", 0, at) + 1 : text.find("\n", at)]
                    # Places and sizes are no formulas: changing them reads beyond memory.
                    before = text[text.rfind("\n", 0, at) + 1 : at]
                    in_index = before.count("[") > before.count("]")
                    places = r"\bfor \(|\bif \(|//|#pragma|std::(fill|copy)|_loop|\bdot\(|Scratch<|const auto \[|fail|int64_t|reinterpret|static_cast|data\(\)|tile_|Strided|\bT ?\*|\+ first|\bat\[\d\],"
                    if (at, replacement) in seen or in_index or re.search(places, line):
                        continue
                    seen.add((at, replacement))
                    yield name, at, len(match.group(0)), replacement, kind, line.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="files that begin like this")
    parser.add_argument("--limit", type=int, default=0, help="so many, spread over all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="only say what would be changed")
    options = parser.parse_args()
    all_of_them = list(mutants(options.only))
    if options.limit and options.limit < len(all_of_them):
        step = len(all_of_them) / options.limit
        all_of_them = [all_of_them[int(i * step)] for i in range(options.limit)]
    if not all_of_them:
        print(f"mutate_gradients: nothing to change in files that begin like '{options.only}'", file=sys.stderr)
        return 2
    if options.list:
        for name, _, _, replacement, kind, line in all_of_them:
            print(f"{name}: {kind} ->{replacement}: {line}")
        print(len(all_of_them), "changes")
        return 0

    if shutil.which("git") is None or subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True).returncode != 0:
        sys.exit(f"mutate_gradients: needs git, and {ROOT} as a checkout of it: the changes are made in a second one")
    work = Path(tempfile.mkdtemp(prefix="lrurec-mutants-"))
    try:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "--detach", str(work / "tree")], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tree = work / "tree"
        git = lambda *command: subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True).stdout.splitlines()
        for line in git("diff", "--name-only", "--diff-filter=d", "HEAD") + git("ls-files", "--others", "--exclude-standard"):
            (tree / line).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / line, tree / line)
        for line in git("diff", "--name-only", "--diff-filter=D", "HEAD"):
            (tree / line).unlink()
        build = tree / "build"
        configure = ["cmake", "-S", str(tree), "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DLRUREC_CUDA=OFF"]
        if shutil.which("ccache"):
            configure.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
        compile_ = ["cmake", "--build", str(build), "--target", "lrurec_tests", "--parallel", str(options.jobs)]
        subprocess.run(compile_, check=True, stdout=subprocess.DEVNULL)
        run = [str(build / "bin/lrurec_tests"), "--gtest_brief=1", "--gtest_fail_fast", f"--gtest_filter={TESTS}"]
        if subprocess.run(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            sys.exit("the tests fail without any change")
        survivors = counted = invalid = 0
        for name, at, length, replacement, kind, line in all_of_them:
            path = tree / name
            original = path.read_text()
            path.write_text(original[:at] + replacement + original[at + length :])
            try:
                if subprocess.run(compile_, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
                    invalid += 1
                    continue
                counted += 1
                try:
                    noticed = subprocess.run(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300).returncode != 0
                except subprocess.TimeoutExpired:
                    noticed = True
                if not noticed:
                    survivors += 1
                    number = original.count("\n", 0, at) + 1
                    print(f"not noticed: {name}:{number}: {kind}, '{replacement.strip()}' in: {line}", flush=True)
            finally:
                path.write_text(original)
        print(f"{counted} changes, {counted - survivors} noticed, {survivors} not; {invalid} did not compile")
        return 1 if survivors or not counted else 0
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(work / "tree")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
