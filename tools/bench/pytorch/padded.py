"""The published design: left-padded batches, complex layers, Algorithm 1, all logits stored.

Shapes: B sequences, L positions, P = the power of two at or above L, H features, D = 2 H complex channels,
V = |I| + 1 classes. Parameters have the published names.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import parameters


def next_power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def recursive_scan(u: Tensor, lam: Tensor, real: Tensor | None = None) -> Tensor:
    """Algorithm 1: h_t = lam * h_{t-1} + u_t in log2(P) passes over the whole sequence.

    A pass takes pairs of neighbouring runs of n positions, each already the scan of its own inputs, and makes
    runs of 2 n of them: position k of the right half gains lam^{k+1} times the last state of the left half.
    `real` [B, P] is false at padding, whose state is not carried on.

    u: complex [B, P, D], P a power of two; lam: complex [D].
    """
    batch, length, channels = u.shape
    h, powers, n = u, lam.unsqueeze(0), 1  # powers: lam^1 .. lam^n, [n, D]
    while n < length:
        left, right = h.view(-1, 2, n, channels).unbind(1)  # [B P / 2n, n, D]
        carried = left[:, -1:]
        if real is not None:
            carried = carried * real.view(-1, 2, n)[:, 0, -1].view(-1, 1, 1)
        h = torch.cat([left, right + powers * carried], 1).view(batch, length, channels)
        powers = torch.cat([powers, powers * powers[-1]])
        n *= 2
    return h


class LRULayer(nn.Module):
    """h_t = lam h_{t-1} + gamma (B x_t + b), y = LN(dropout(Re(C h + c)) + x)."""

    def __init__(self, hidden: int, dropout: float, eps: float):
        super().__init__()
        channels = 2 * hidden
        self.params_log = nn.Parameter(torch.empty(3, channels))
        self.in_proj = nn.Linear(hidden, channels, dtype=torch.cfloat)
        self.out_proj = nn.Linear(channels, hidden, dtype=torch.cfloat)
        self.layer_norm = nn.LayerNorm(hidden, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        nu, theta, gamma = self.params_log.exp()
        u = gamma * self.in_proj(x.to(torch.cfloat))
        h = recursive_scan(u, torch.exp(torch.complex(-nu, theta)), real)
        return self.layer_norm(self.dropout(self.out_proj(h).real) + x)


class FeedForward(nn.Module):
    """LN(dropout(W2 dropout(gelu(W1 y + b1)) + b2) + y)."""

    def __init__(self, hidden: int, dropout: float, eps: float):
        super().__init__()
        self.w_1 = nn.Linear(hidden, 4 * hidden)
        self.w_2 = nn.Linear(4 * hidden, hidden)
        self.layer_norm = nn.LayerNorm(hidden, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, y: Tensor) -> Tensor:
        inner = self.dropout(F.gelu(self.w_1(y)))
        return self.layer_norm(self.dropout(self.w_2(inner)) + y)


class Block(nn.Module):
    """One LRU block."""

    def __init__(self, hidden: int, dropout: float, eps: float):
        super().__init__()
        self.lru_layer = LRULayer(hidden, dropout, eps)
        self.feed_forward = FeedForward(hidden, dropout, eps)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        return self.feed_forward(self.lru_layer(x, real))


class PaddedLRURec(nn.Module):
    """Scores of every position, [B, L, V]."""

    def __init__(self, weights: dict[str, Tensor], blocks: int = 2, dropout: float = 0.0, eps: float = 1e-5):
        super().__init__()
        rows, hidden = weights["embedding.token.weight"].shape
        self.embedding = nn.Module()
        self.embedding.token = nn.Embedding(rows, hidden)
        self.embedding.layer_norm = nn.LayerNorm(hidden, eps)
        self.embedding.dropout = nn.Dropout(dropout)
        self.model = nn.Module()
        self.model.lru_blocks = nn.ModuleList(Block(hidden, dropout, eps) for _ in range(blocks))
        self.model.bias = nn.Parameter(torch.empty(rows))
        self.load_state_dict(weights)

    def encode(self, items: Tensor) -> Tensor:
        """items [B, L] -> [B, L, H]; inside, positions are padded on the left to P."""
        length = items.shape[1]
        x = self.embedding.layer_norm(self.embedding.dropout(self.embedding.token(items)))
        more = next_power_of_two(length) - length
        x = F.pad(x, (0, 0, more, 0))
        real = F.pad(items > 0, (more, 0))
        for block in self.model.lru_blocks:
            x = block(x, real)
        return x[:, more:]

    def forward(self, items: Tensor) -> Tensor:
        return F.linear(self.encode(items), self.embedding.token.weight, self.model.bias)

    def loss(self, items: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy over V classes; positions of label 0 are ignored."""
        return F.cross_entropy(self(items).flatten(0, 1), labels.flatten(), ignore_index=0)

    def gradients(self) -> dict[str, Tensor]:
        """Under the published names; zero where none arrived."""
        return {
            name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in self.named_parameters()
        }


class Trainer:
    """One optimiser step: gradients, clip of the global norm, AdamW."""

    def __init__(self, model: PaddedLRURec):
        self.model = model.train()
        self.optimizer = parameters.adamw(model.named_parameters())

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.model.loss(*batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), parameters.CLIP_NORM)
        self.optimizer.step()
        return loss.detach()
