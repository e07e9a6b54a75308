"""SASRec and GRU4Rec, packed in PyTorch as well as we could, beside `lrurec bench train --model ...`.

    python rivals.py --data ml-1m.txt --lrurec build/bin/lrurec [--rounds 3] [--steps 10] [--max-length 200]

First both models are checked against tests/fixtures/rivals_tiny.safetensors (scores, loss, every gradient); a model
that computes something else is not timed. Then lrurec and each design train real batches in turn, in one run.

GRU4Rec is nn.GRU on a packed sequence. SASRec has all position-wise work on packed tokens and calls
scaled_dot_product_attention for each sequence on its own tokens; a second design does so without dropout of the
weights, which is less work than lrurec does: PyTorch's fast attention for the CPU has no dropout. (One product over
the padded [B, heads, L, L] took 12 times as long as either.) The head, dropout and optimiser are those of packed.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

import data
import parameters
from packed import SAFE_LOGIT, Dropout, LinearCrossEntropy
from table import processor

FIXTURE = Path(__file__).resolve().parents[3] / "tests/fixtures/rivals_tiny.safetensors"
EPS_NORM = 1e-5


class Rival(nn.Module):
    """Parameters under lrurec's names, dots as slashes."""

    def __init__(self, weights: dict[str, Tensor], dropout: float = 0.0):
        super().__init__()
        self.dropout = dropout
        self.w = nn.ParameterDict({n.replace(".", "/"): nn.Parameter(x.clone()) for n, x in weights.items()})

    def named(self) -> list[tuple[str, nn.Parameter]]:
        return [(name.replace("/", "."), p) for name, p in self.w.items()]

    def item_bias(self) -> Tensor:
        return self.w["bias"] if "bias" in self.w else self.w["embedding/weight"].new_zeros(len(self.w["embedding/weight"]))

    def loss(self, batch: data.Packed) -> Tensor:
        """Mean cross-entropy over |I| + 1 classes of the labelled tokens."""
        x, labelled = self.encode(batch), batch.labels > 0
        E, b = self.w["embedding/weight"], self.item_bias()
        if not bool(labelled.all()):
            x = x[labelled]
        if x.dtype == torch.float64:  # of the check; the fused head is for float
            return F.cross_entropy(F.linear(x, E, b), batch.labels[labelled])
        return LinearCrossEntropy.apply(x, E, b, batch.labels[labelled], SAFE_LOGIT)

    def drop(self, elements: int) -> Dropout:
        return Dropout(self.dropout if self.training else 0.0, elements)


class Gru4Rec(Rival):
    """Tokens in the order of data.Packed, which is that of a PackedSequence."""

    def encode(self, batch: data.Packed) -> Tensor:
        w = self.w
        H = w["embedding/weight"].shape[1]
        drop = self.drop(2 * len(batch.items) * H)
        x = drop(F.embedding(batch.items, w["embedding/weight"]))
        c = torch.cat([w["gru/recurrent_bias"].new_zeros(2 * H), w["gru/recurrent_bias"]])
        flat = [w["gru/input_weight"], w["gru/recurrent_weight"], w["gru/input_bias"], c]
        start = x.new_zeros(1, batch.sizes[0], H)
        h, _ = torch.gru(x, torch.tensor(batch.sizes), start, flat, True, 1, 0.0, self.training, False)
        return drop(h)


class SASRec(Rival):
    def __init__(self, weights: dict[str, Tensor], dropout: float = 0.0, heads: int = 2, dropout_of_weights: bool = True):
        super().__init__(weights, dropout)
        self.heads, self.dropout_of_weights = heads, dropout_of_weights
        self.blocks = 1 + max(int(n.split(".")[1]) for n in weights if n.startswith("blocks."))

    def _affine(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.w[name + "/weight"], self.w[name + "/bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.w[name + "/weight"], self.w[name + "/bias"], EPS_NORM)

    def _attend(self, qkv: Tensor, lengths: list[int]) -> Tensor:
        """[T, 3 H] sequence after sequence -> [T, H]"""
        H = qkv.shape[1] // 3
        p = self.dropout if self.training and self.dropout_of_weights else 0.0
        parts = []
        for part in qkv.split(lengths):
            q, k, v = part.view(1, -1, 3, self.heads, H // self.heads).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p)
            parts.append(y.transpose(1, 2).reshape(-1, H))
        return torch.cat(parts)

    def encode(self, batch: data.Packed) -> Tensor:
        """Reads and gives tokens in the order of data.Packed; between, they lie sequence after sequence."""
        sequence = torch.cat([torch.arange(n) for n in batch.sizes])
        place = torch.repeat_interleave(torch.tensor(batch.sizes))
        order = torch.argsort(sequence * len(batch.sizes) + place)
        lengths = torch.bincount(sequence).tolist()
        E = self.w["embedding/weight"]
        drop = self.drop(len(order) * E.shape[1] * (1 + 6 * self.blocks))
        x = F.embedding(batch.items[order], E) + F.embedding(place[order], self.w["positions/weight"])
        x = drop(x)
        x = self._norm(x, "embedding_layer_norm")
        for i in range(self.blocks):
            block = f"blocks/{i}/"
            y = self._attend(self._affine(x, block + "attention/qkv"), lengths)
            y = self._affine(y, block + "attention/projection")
            y = self._norm(drop(y) + x, block + "attention_layer_norm")
            inner = drop(F.gelu(self._affine(y, block + "feed_forward/w_1")))
            x = self._norm(drop(self._affine(inner, block + "feed_forward/w_2")) + y, block + "feed_forward_layer_norm")
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order))
        return x[back]


def initial(model: str, num_items: int, max_length: int, hidden: int = 64, blocks: int = 2) -> dict[str, Tensor]:
    """Truncated normal as everywhere; layer norms 1 and 0; affine biases 0."""
    torch.manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return nn.init.trunc_normal_(torch.empty(shape), std=0.02, a=-0.04, b=0.04)

    def affine(name: str, inputs: int, outputs: int) -> dict[str, Tensor]:
        return {name + ".weight": normal(outputs, inputs), name + ".bias": torch.zeros(outputs)}

    def norm(name: str) -> dict[str, Tensor]:
        return {name + ".weight": torch.ones(hidden), name + ".bias": torch.zeros(hidden)}

    w = {"embedding.weight": normal(num_items + 1, hidden)}
    if model == "gru4rec":
        w |= {"gru.input_weight": normal(3 * hidden, hidden), "gru.input_bias": normal(3 * hidden)}
        w |= {"gru.recurrent_weight": normal(3 * hidden, hidden), "gru.recurrent_bias": normal(hidden)}
        return w | {"bias": normal(num_items + 1)}
    w |= {"positions.weight": normal(max_length, hidden)} | norm("embedding_layer_norm")
    for i in range(blocks):
        block = f"blocks.{i}."
        w |= affine(block + "attention.qkv", hidden, 3 * hidden) | affine(block + "attention.projection", hidden, hidden)
        w |= affine(block + "feed_forward.w_1", hidden, 4 * hidden)
        w |= affine(block + "feed_forward.w_2", 4 * hidden, hidden)
        w |= norm(block + "attention_layer_norm") | norm(block + "feed_forward_layer_norm")
    return w


DESIGNS = {
    "gru4rec": {"packed nn.GRU": {}},
    "sasrec": {
        "scaled_dot_product_attention a sequence": {},
        "the same, no dropout of the weights": {"dropout_of_weights": False},
    },
}
CLASSES = {"gru4rec": Gru4Rec, "sasrec": SASRec}


def check(model: str, options: dict) -> float:
    """The largest difference from the fixture: of scores, loss and gradients."""
    histories, targets = [[3, 1, 4, 1], [2, 7, 6], [5]], [5, 1, 2]  # longest first; the fixture has the last two swapped
    rows = torch.tensor([0, 2, 1])
    items = torch.tensor([h[t] for t in range(4) for h in histories if len(h) > t])
    labels = torch.tensor([y if len(h) == t + 1 else 0 for t in range(4) for h, y in zip(histories, targets) if len(h) > t])
    sizes = [sum(len(h) > t for h in histories) for t in range(4)]
    batch = data.Packed(items, labels, sizes, torch.empty(0))
    with safe_open(FIXTURE, "pt") as file:
        stored = {name.removeprefix(model + "."): file.get_tensor(name) for name in file.keys() if name.startswith(model)}
    weights = {n.removeprefix("weights."): x for n, x in stored.items() if n.startswith("weights.")}
    net = CLASSES[model](weights, **options)
    loss = net.loss(batch)
    loss.backward()
    ends = net.encode(batch)[labels > 0]  # of the shortest history first
    scores = F.linear(ends, net.w["embedding/weight"], net.item_bias()).flip(0)
    errors = [(loss - stored["loss"]).abs().item(), (scores - stored["scores"][rows]).abs().max().item()]
    for name, p in net.named():
        errors.append((p.grad - stored["grads." + name]).abs().max().item())
    return max(errors)


def time_steps(model: str, options: dict, batches: list[data.Packed], num_items: int, arguments: argparse.Namespace) -> float:
    """Median seconds of a step, the first two left out."""
    net = CLASSES[model](initial(model, num_items, arguments.max_length), arguments.dropout, **options).train()
    optimizer = parameters.adamw(net.named(), fused=True)
    seconds = []
    for batch in batches:
        start = time.perf_counter()
        optimizer.zero_grad()
        net.loss(batch).backward()
        nn.utils.clip_grad_norm_(net.parameters(), parameters.CLIP_NORM, foreach=True)
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="SASRec text, `user item` a line")
    parser.add_argument("--lrurec", required=True, help="the command to time")
    parser.add_argument("--preset", default="ml-1m")
    parser.add_argument("--max-length", type=int, default=200)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--models", nargs="*", default=list(DESIGNS), choices=list(DESIGNS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for model in arguments.models:
        for design, options in DESIGNS[model].items():
            error = check(model, options)
            print(f"{model}, {design}: largest difference from the reference {error:.1e}", file=sys.stderr)
            if not error < 1e-7:
                print("rivals: computes something else, so nothing is timed", file=sys.stderr)
                return 1
    dataset = data.read_sasrec(arguments.data)
    batcher = data.Batcher(dataset, arguments.max_length, 128)
    batches = [batcher.packed(step) for step in range(arguments.steps + 2)]
    times: dict[str, dict[str, list[float]]] = {m: {d: [] for d in ["lrurec", *DESIGNS[m]]} for m in arguments.models}
    with tempfile.TemporaryDirectory() as folder:
        prepared = os.path.join(folder, "data.lrd")
        subprocess.run([arguments.lrurec, "prepare", arguments.data, "-o", prepared, "--format", "sasrec", "-q"],
                       check=True, stdout=subprocess.DEVNULL)
        for _ in range(arguments.rounds):
            for model in arguments.models:
                command = [arguments.lrurec, "bench", "--rough", "train", prepared, "--preset", arguments.preset, "--model", model]
                command += ["--dropout", str(arguments.dropout), "--steps", str(arguments.steps), "--warmup", "2", "--json"]
                command += ["--threads", str(arguments.threads), "-q"]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                times[model]["lrurec"].append(json.loads(done.stdout)["step_seconds_median"])
                for design, options in DESIGNS[model].items():
                    times[model][design].append(time_steps(model, options, batches, dataset.num_items, arguments))
    print(f"A training step, batch 128; {processor()}, {arguments.threads} threads; torch {torch.__version__}. "
          f"Median (least to largest) of {arguments.rounds} rounds.\n")
    print("| model | design | ms a step | times lrurec's |\n|---|---|---|---|")
    for model, designs in times.items():
        ours = statistics.median(designs["lrurec"])
        for design, seconds in designs.items():
            middle, least, most = (1e3 * x for x in (statistics.median(seconds), min(seconds), max(seconds)))
            print(f"| {model} | {design} | {middle:.0f} ({least:.0f} to {most:.0f}) | {middle / 1e3 / ours:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
