"""Forward times of h_t = lam * h_{t-1} + u_t in PyTorch: Algorithm 1 beside a chunked scan.

About --tokens complex numbers a channel in sequences of each length, one result a length and method. GB/s
counts what any method must move, u read once and h written once (16 bytes a number), so methods compare by it
directly.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import statistics
import sys
import time

import torch
from torch import Tensor

from padded import next_power_of_two, recursive_scan


def chunked_scan(u: Tensor, lam: Tensor) -> Tensor:
    """The same scan in about 3 sqrt(L) steps, each over all chunks of all sequences at once.

    Chunks of c positions: scan every chunk from a zero state, hand the last states from chunk to chunk with
    lam^c, then add lam^{k+1} times the state before the chunk at its place k. With one chunk it is the
    sequential scan.

    u: complex [B, L, D]; lam: complex [D].
    """
    batch, length, channels = u.shape
    chunk = next_power_of_two(math.isqrt(length))
    if batch >= 64 or length % chunk != 0:  # enough sequences to fill the vector units, or no even division
        chunk = length
    # time outermost, so that a step is one contiguous block
    h = u.view(-1, chunk, channels).transpose(0, 1).contiguous()  # [c, B L / c, D]
    for t in range(1, chunk):
        h[t].addcmul_(h[t - 1], lam)
    if chunk < length:
        powers = torch.cumprod(lam.expand(chunk, -1), 0)  # lam^1 .. lam^c
        state = h[-1].view(batch, -1, channels).clone()  # becomes the true last state of every chunk
        for i in range(1, state.shape[1]):
            state[:, i].addcmul_(state[:, i - 1], powers[-1])
        before = torch.cat([torch.zeros_like(state[:, :1]), state[:, :-1]], 1).view(-1, channels)
        for t in range(chunk):
            h[t].addcmul_(before, powers[t])
    return h.transpose(0, 1).reshape(batch, length, channels)


def time_of(function, repeats: int) -> list[float]:
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--lengths", default="64,256,1024,4096,16384", help="powers of two, with commas between"
    )
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument(
        "--tokens", type=int, default=16384, help="of all sequences together; at least one sequence"
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        lengths = [int(text) for text in arguments.lengths.split(",")]
    except ValueError:
        lengths = [0]
    if any(n < 2 or n != next_power_of_two(n) for n in lengths):
        parser.error(f"--lengths needs powers of two from 2 on, not '{arguments.lengths}'")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)

    lam = torch.polar(
        torch.empty(arguments.channels).uniform_(0.8, 0.99), torch.rand(arguments.channels) * 2 * math.pi
    )
    results = []
    with torch.no_grad():
        for length in lengths:
            sequences = max(1, arguments.tokens // length)
            u = torch.randn(sequences, length, arguments.channels, dtype=torch.cfloat)
            expected = recursive_scan(u, lam)
            difference = ((chunked_scan(u, lam) - expected).norm() / expected.norm()).item()
            if not difference < 1e-5:
                print(f"scan: the two scans differ by {difference:.1e} at length {length}", file=sys.stderr)
                return 1
            for name, scan in {"algorithm_1": recursive_scan, "chunked": chunked_scan}.items():
                times = time_of(functools.partial(scan, u, lam), arguments.repeats)
                seconds = statistics.median(times)
                results.append(
                    {
                        "method": name,
                        "length": length,
                        "sequences": sequences,
                        "channels": arguments.channels,
                        "seconds": seconds,
                        "seconds_min": min(times),
                        "gb_per_second": 16 * u.numel() / seconds / 1e9,
                    }
                )
    if arguments.json:
        print(json.dumps({"torch": torch.__version__, "threads": arguments.threads, "results": results}))
    else:
        for r in results:
            what = f"{r['method']:12} {r['sequences']:4} x {r['length']:5}"
            print(f"{what}  {r['seconds'] * 1e3:8.2f} ms  {r['gb_per_second']:6.2f} GB/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
