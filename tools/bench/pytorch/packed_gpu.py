"""The packed model for a GPU, written to be compiled: no loop over time, few large operations, real arithmetic.

Tokens lie sequence after sequence; `place` [T] is a token's position in its sequence. The scan is Algorithm 1 on
packed tokens: pass k adds lam^(2^k) times the token 2^k places before, where the sequence has one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import parameters
from data import Packed
from packed import PackedLRURec


@dataclass(frozen=True)
class Sequences:
    """items, labels, place: int64 [T]."""

    items: Tensor
    labels: Tensor
    place: Tensor


def by_sequence(batch: Packed, device: str) -> Sequences:
    """The tokens of a batch sorted by time, sequence after sequence instead."""
    sequence = torch.cat([torch.arange(n) for n in batch.sizes])
    time = torch.cat([torch.full((n,), t) for t, n in enumerate(batch.sizes)])
    order = torch.argsort(sequence * len(batch.sizes) + time)
    return Sequences(*(x[order].to(device) for x in (batch.items, batch.labels, time)))


def scan(re: Tensor, im: Tensor, lam_re: Tensor, lam_im: Tensor, place: Tensor, longest: int) -> tuple[Tensor, Tensor]:
    """h_t = lam h_{t-1} + u_t for u = re + i im, [T, D]; no sequence has more than `longest` tokens."""
    n = 1
    while n < longest:
        carried = (place >= n).unsqueeze(1)
        before_re, before_im = F.pad(re[:-n], (0, 0, n, 0)), F.pad(im[:-n], (0, 0, n, 0))
        re, im = (
            re + torch.where(carried, lam_re * before_re - lam_im * before_im, 0.0),
            im + torch.where(carried, lam_re * before_im + lam_im * before_re, 0.0),
        )
        lam_re, lam_im = lam_re * lam_re - lam_im * lam_im, 2 * lam_re * lam_im
        n *= 2
    return re, im


class PackedGpuLRURec(PackedLRURec):
    """The parameters and their names are those of PackedLRURec."""

    def __init__(self, weights: dict[str, Tensor], longest: int, **options):
        super().__init__(weights, **options)
        self.longest = longest

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def _block(self, x: Tensor, place: Tensor, i: int) -> Tensor:
        w = self.w
        lru, ffn = f"model/lru_blocks/{i}/lru_layer", f"model/lru_blocks/{i}/feed_forward"
        nu, theta, gamma = w[lru + "/params_log"].exp()
        B, b = gamma.view(-1, 1, 1) * w[lru + "/in_proj/weight"], gamma.view(-1, 1) * w[lru + "/in_proj/bias"]
        u = F.linear(x, torch.cat([B[..., 0], B[..., 1]]), torch.cat([b[:, 0], b[:, 1]]))
        re, im = scan(
            *u.chunk(2, 1), torch.exp(-nu) * torch.cos(theta), torch.exp(-nu) * torch.sin(theta), place, self.longest
        )
        C = w[lru + "/out_proj/weight"]
        y = F.linear(torch.cat([re, im], 1), torch.cat([C[..., 0], -C[..., 1]], 1), w[lru + "/out_proj/bias"][:, 0])
        y = self._norm(self._drop(y) + x, lru + "/layer_norm")
        inner = self._drop(F.gelu(F.linear(y, w[ffn + "/w_1/weight"], w[ffn + "/w_1/bias"])))
        out = F.linear(inner, w[ffn + "/w_2/weight"], w[ffn + "/w_2/bias"])
        return self._norm(self._drop(out) + y, ffn + "/layer_norm")

    def sequence_loss(self, items: Tensor, labels: Tensor, place: Tensor) -> Tensor:
        """Mean cross-entropy over V classes."""
        E = self.w["embedding/token/weight"]
        x = self._norm(self._drop(F.embedding(items, E)), "embedding/layer_norm")
        for i in range(self.blocks):
            x = self._block(x, place, i)
        return F.cross_entropy(F.linear(x, E, self.w["model/bias"]), labels)


class Trainer:
    """One optimiser step on the device of the model; with `compiled`, forward and backward by torch.compile."""

    def __init__(self, model: PackedGpuLRURec, compiled: bool):
        self.model = model.train()
        self.loss = torch.compile(model.sequence_loss, dynamic=True) if compiled else model.sequence_loss
        self.optimizer = parameters.adamw(model.named(), fused=True)

    def step(self, batch: Sequences) -> Tensor:
        """The loss stays on the device: reading it would make the host wait."""
        self.optimizer.zero_grad()
        loss = self.loss(batch.items, batch.labels, batch.place)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), parameters.CLIP_NORM, foreach=True)
        self.optimizer.step()
        return loss.detach()
