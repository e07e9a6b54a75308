"""What an operation on a few numbers costs, here and in PyTorch, in one table: microseconds forward and backward.

usage: python tools/bench/overhead/compare.py [build/bin/lrurec_overhead]

Needs torch, and the program (-DLRUREC_BENCHMARKS=ON), which times the same chains of operations. Both are started in
turn, three times, on one thread; every figure is the median of the three medians, in processor time.
"""

import statistics
import subprocess
import sys
import time

import torch

CHAIN, ROUNDS, TURNS = 1000, 21, 3


def operations(n):
    """The operations of overhead.cpp: name, number of operations in it, function."""
    w = torch.full((n,), 1.001, requires_grad=True)
    b = torch.full((n,), 0.001, requires_grad=True)
    W = torch.full((n, n), 1 / n, requires_grad=True)
    return [
        ("add", 1, lambda x: x + b),
        ("mul", 1, lambda x: x * w),
        ("mul by a number", 1, lambda x: x * 1.001),
        ("tanh", 1, torch.tanh),
        ("slice", 1, lambda x: x[0:n:1]),
        ("reshape", 1, lambda x: x.reshape(n)),
        ("sum, broadcast_to", 2, lambda x: x.sum(0, keepdim=True).broadcast_to(n)),
        ("reshape, linear, reshape", 3, lambda x: torch.nn.functional.linear(x.reshape(1, n), W, b).reshape(n)),
    ]


def pytorch():
    results = {}
    for n in (1, 8, 64):
        for name, count, apply in operations(n):
            forward, backward = [], []
            for _ in range(ROUNDS):
                x = torch.full((n,), 0.5, requires_grad=True)
                start = time.process_time()
                for _ in range(CHAIN):
                    x = apply(x)
                middle = time.process_time()
                loss = x.sum()
                del x
                begin = time.process_time()
                loss.backward()
                end = time.process_time()
                forward.append((middle - start) * 1e6 / CHAIN / count)
                backward.append((end - begin) * 1e6 / CHAIN / count)
            results[name, n] = (statistics.median(forward), statistics.median(backward))
    return results


def lrurec(program):
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    return {(name, int(n)): tuple(map(float, rest)) for name, n, *rest in rows}


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/bin/lrurec_overhead"
    torch.set_num_threads(1)
    ours, theirs = [], []
    for _ in range(TURNS):
        ours.append(lrurec(program))
        theirs.append(pytorch())

    def median(results, case, column):
        return statistics.median(result[case][column] for result in results)

    print(f"lrurec beside PyTorch {torch.__version__}: microseconds an operation, bytes of a node (heap + tensors)\n")
    print("| operation | numbers | forward | PyTorch | backward | PyTorch | bytes |")
    print("|---|---|---|---|---|---|---|")
    for case in ours[0]:
        here = [median(ours, case, column) for column in range(4)]
        there = [median(theirs, case, column) for column in range(2)]
        print(
            f"| {case[0]} | {case[1]} | {here[0]:.2f} | {there[0]:.2f} | {here[1]:.2f} | {there[1]:.2f} "
            f"| {here[2]:.0f} + {here[3]:.0f} |"
        )


if __name__ == "__main__":
    main()
