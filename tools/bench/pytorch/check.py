"""Checks both designs: python check.py [--fixture FILE]... [--data FILE --max-length L [--batch-size B]].

Against each parity fixture (safetensors with the published names): every logit within 2e-4, the loss within
1e-5 of its value, every gradient within 1e-3 of its norm. With --data, packed against padded on a real batch
without dropout. Exit code 1 where one of them fails, 2 for a file that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

import data
import parameters
from packed import SAFE_LOGIT, PackedLRURec
from packed_gpu import PackedGpuLRURec, by_sequence
from padded import PaddedLRURec

LOGIT, LOSS, GRADIENT = 2e-4, 1e-5, 1e-3
FIXTURE = Path(__file__).resolve().parents[3] / "tests/fixtures/parity_tiny.safetensors"


class Report:
    """Prints every comparison and remembers whether one failed."""

    failed = False

    def line(self, what: str, error: float, limit: float) -> None:
        ok = error <= limit  # false for nan
        self.failed |= not ok
        print(f"  {'ok  ' if ok else 'FAIL'} {what}: {error:.1e} (limit {limit:.0e})")

    def gradients(self, what: str, got: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
        """The worst relative error |got - expected| / |expected|; where |expected| = 0, |got| itself. The
        rows of params_log (nu, theta, gamma) are compared one by one."""
        if got.keys() != expected.keys():
            raise data.DataError(f"gradients of {sorted(got.keys() ^ expected.keys())} are on one side only")
        errors = {}
        for name, whole in expected.items():
            rows = range(3) if name.endswith("params_log") else [slice(None)]
            for row in rows:
                norm = whole[row].norm().item()
                error = (got[name][row] - whole[row]).norm().item() / (norm if norm > 0 else 1.0)
                errors[f"{name}[{row}]" if len(rows) > 1 else name] = error
        # max passes over a nan unless it comes first
        worst = max(errors, key=lambda name: (errors[name] != errors[name], errors[name]))
        self.line(f"{what} gradients, worst of {len(errors)}, {worst}", errors[worst], GRADIENT)


def check_fixture(path: Path, report: Report) -> None:
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise data.DataError(f"{path} cannot be read: {error}") from None
    missing = ({"input", "labels", "logits", "loss"} - tensors.keys()) | ({"blocks"} - metadata.keys())
    if missing:
        raise data.DataError(f"{path} is no parity fixture: it lacks {', '.join(sorted(missing))}")

    def named(prefix: str) -> dict[str, Tensor]:
        return {n.removeprefix(prefix): x for n, x in tensors.items() if n.startswith(prefix)}

    print(f"{path.name}:")
    options = {"blocks": int(metadata["blocks"]), "eps": float(metadata.get("layer_norm_eps", 1e-5))}
    items, labels, logits = tensors["input"], tensors["labels"], tensors["logits"]
    loss = tensors["loss"].item()

    try:
        padded = PaddedLRURec(named("weights."), **options)
    except (RuntimeError, KeyError) as error:
        raise data.DataError(f"{path} does not hold the weights of the model: {error}") from None
    with torch.no_grad():
        report.line("padded logits", (padded(items) - logits).abs().max().item(), LOGIT)
    value = padded.loss(items, labels)
    value.backward()
    report.line("padded loss", abs(value.item() - loss) / abs(loss), LOSS)
    report.gradients("padded", padded.gradients(), named("grads."))

    packed = PackedLRURec(named("weights."), **options)
    batch = data.pack(items, labels)
    with torch.no_grad():
        start = packed(torch.tensor([data.START]), [1])
        mine = start.expand(items.numel(), -1).clone()  # padding has the start token's logits
        mine[batch.place] = packed(batch.items, batch.sizes)
        report.line("packed logits", (mine.view_as(logits) - logits).abs().max().item(), LOGIT)
    for what, limit in (("packed", SAFE_LOGIT), ("packed, shifted by the row maximum,", 0.0)):
        packed.zero_grad()
        value = packed.loss(batch, safe_logit=limit)
        value.backward()
        report.line(f"{what} loss", abs(value.item() - loss) / abs(loss), LOSS)
        report.gradients(what, packed.gradients(), named("grads."))


def check_batch(path: str, max_length: int, batch_size: int, report: Report) -> None:
    """Fresh weights, the first batch of training, both designs."""
    dataset = data.read_sasrec(path)
    batcher = data.Batcher(dataset, max_length, batch_size)
    weights = parameters.initial(dataset.num_items)
    padded, packed = PaddedLRURec(weights), PackedLRURec(weights)
    packed_gpu = PackedGpuLRURec(weights, max_length)
    expected = padded.loss(*batcher.padded(0))
    expected.backward()
    batch = batcher.packed(0)
    got = packed.loss(batch)
    got.backward()
    print(f"{Path(path).name}, batch of {batch_size}, {len(batch.items)} tokens, loss {expected.item():.6f}:")
    report.line("packed against padded, loss", abs(got.item() - expected.item()) / expected.item(), LOSS)
    report.gradients("packed against padded,", packed.gradients(), padded.gradients())
    sequences = by_sequence(batch, "cpu")
    got = packed_gpu.sequence_loss(sequences.items, sequences.labels, sequences.place)
    got.backward()
    report.line("packed for a GPU against padded, loss", abs(got.item() - expected.item()) / expected.item(), LOSS)
    report.gradients("packed for a GPU against padded,", packed_gpu.gradients(), padded.gradients())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fixture", action="append", type=Path, help=f"default: {FIXTURE.name} of the tests")
    parser.add_argument("--data", help="SASRec text for a real batch")
    parser.add_argument("--max-length", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    report = Report()
    try:
        for path in arguments.fixture or [FIXTURE]:
            if not path.is_file():
                raise data.DataError(f"{path} is not a file")
            check_fixture(path, report)
        if arguments.data:
            check_batch(arguments.data, arguments.max_length, arguments.batch_size, report)
    except data.DataError as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    print("check: failed" if report.failed else "check: ok")
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
