"""What both designs share: initial values under the published names, the optimiser's groups, and its step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

LEARNING_RATE, BETAS, EPS, WEIGHT_DECAY, CLIP_NORM = 1e-3, (0.9, 0.999), 1e-9, 1e-2, 5.0


def initial(num_items: int, hidden: int = 64, blocks: int = 2, seed: int = 1) -> dict[str, Tensor]:
    """Truncated normal, sigma .02 cut at .04; layer norms 1 and 0; |lambda|^2 uniform in [.8^2, .99^2]."""
    generator = torch.Generator().manual_seed(seed)
    channels = 2 * hidden

    def normal(*shape: int) -> Tensor:
        return nn.init.trunc_normal_(torch.empty(shape), std=0.02, a=-0.04, b=0.04, generator=generator)

    def complex_normal(*shape: int) -> Tensor:
        return torch.complex(normal(*shape), normal(*shape))

    def norm(name: str) -> dict[str, Tensor]:
        return {name + ".weight": torch.ones(hidden), name + ".bias": torch.zeros(hidden)}

    w = {"embedding.token.weight": normal(num_items + 1, hidden), "model.bias": normal(num_items + 1)}
    w |= norm("embedding.layer_norm")
    for i in range(blocks):
        lru, ffn = f"model.lru_blocks.{i}.lru_layer.", f"model.lru_blocks.{i}.feed_forward."
        squared = torch.empty(channels).uniform_(0.8**2, 0.99**2, generator=generator)
        angle = torch.empty(channels).uniform_(1e-6, 2 * math.pi, generator=generator)
        w[lru + "params_log"] = torch.stack([-0.5 * squared.log(), angle, (1 - squared).sqrt()]).log()
        w[lru + "in_proj.weight"] = complex_normal(channels, hidden)
        w[lru + "in_proj.bias"] = complex_normal(channels)
        w[lru + "out_proj.weight"] = complex_normal(hidden, channels)
        w[lru + "out_proj.bias"] = complex_normal(hidden)
        w |= norm(lru + "layer_norm") | norm(ffn + "layer_norm")
        w[ffn + "w_1.weight"], w[ffn + "w_1.bias"] = normal(4 * hidden, hidden), normal(4 * hidden)
        w[ffn + "w_2.weight"], w[ffn + "w_2.bias"] = normal(hidden, 4 * hidden), normal(hidden)
    return w


def decayed(name: str) -> bool:
    """Whether AdamW decays this parameter: all but biases and layer norms."""
    return "bias" not in name and "layer_norm" not in name


def adamw(named: Iterable[tuple[str, Tensor]], **options: bool) -> torch.optim.AdamW:
    """AdamW; real and imaginary parts have second moments of their own, as PyTorch does it anyway."""
    named = list(named)
    groups = [
        {"params": [p for name, p in named if decayed(name)], "weight_decay": WEIGHT_DECAY},
        {"params": [p for name, p in named if not decayed(name)], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=EPS, **options)
