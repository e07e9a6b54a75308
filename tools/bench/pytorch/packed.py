"""The same model as packed as PyTorch allows: no padding, real arithmetic in the products, no stored logits.

Shapes: T tokens in the order of data.Packed, H features, D = 2 H complex channels, V = |I| + 1 classes. A
complex [T, D] lies interleaved in a real [T, 2 D], so that the product that makes it needs no copy.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import parameters
from data import Packed

# e^60 summed over a million classes is far below the largest float32, and e^-60 far above the smallest.
SAFE_LOGIT = 60.0


class LRU(torch.autograd.Function):
    """y = Re(C h) + c, h_t = lam h_{t-1} + B x_t + b within each segment, with gamma folded into B and b.

    x: [T, H]; B: [2D, H], rows Re B_d, Im B_d in turn; b: [2D]; lam: complex [D]; C: [2D, H], rows Re C_d,
    -Im C_d in turn (only the real part of C h is used); c: [H]; sizes: tokens at each time. Gives y [T, H].

    Backward, with g = dL/dRe h + i dL/dIm h: g_{t-1} += conj(lam) g_t, dlam = sum_t g_t conj(h_{t-1}). It
    works on conj(g), which the product with C gives directly: conj(g)_{t-1} += lam conj(g)_t needs no
    conjugate at all.
    """

    @staticmethod
    def forward(
        ctx, x: Tensor, B: Tensor, b: Tensor, lam: Tensor, C: Tensor, c: Tensor, sizes: list[int]
    ) -> Tensor:
        flat = torch.addmm(b, x, B.t())  # u, overwritten by h
        steps = as_complex(flat).split(sizes)
        for t in range(1, len(steps)):
            steps[t].addcmul_(steps[t - 1][: sizes[t]], lam)
        ctx.save_for_backward(x, B, lam, C, flat)
        ctx.sizes = sizes
        return torch.addmm(c, flat, C)

    @staticmethod
    def backward(ctx, dy: Tensor):
        x, B, lam, C, flat = ctx.saved_tensors
        sizes = ctx.sizes
        g = dy @ conjugate_rows(C).t()  # conj(g), [T, 2D]
        states, gradients = as_complex(flat).split(sizes), as_complex(g).split(sizes)
        dlam = torch.zeros_like(states[0])
        for t in range(len(sizes) - 1, 0, -1):
            n = sizes[t]
            gradients[t - 1][:n].addcmul_(gradients[t], lam)
            dlam[:n].addcmul_(gradients[t], states[t - 1][:n])
        dx = g @ conjugate_rows(B)
        dB, db = conjugate_rows(g.t() @ x), conjugate_rows(g.sum(0))
        return dx, dB, db, dlam.sum(0).conj().resolve_conj(), flat.t() @ dy, dy.sum(0), None


def as_complex(x: Tensor) -> Tensor:
    """Interleaved real [T, 2 D] as complex [T, D]; no copy."""
    return torch.view_as_complex(x.unflatten(1, (-1, 2)))


def conjugate_rows(x: Tensor) -> Tensor:
    """The sign of every second row, the imaginary parts, changed."""
    sign = torch.ones(x.shape[0]).view(-1, 2)
    sign[:, 1] = -1
    return x * sign.view(-1, *[1] * (x.dim() - 1))


def chunk_tokens(classes: int) -> int:
    """Tokens whose logits exist at a time. While E stays in the cache few are best, and the logits stay there
    too; a larger E is read and its gradient read and written once a chunk."""
    return 128 if classes <= 8192 else 384


@functools.lru_cache(maxsize=1)
def workspace(rows: int, columns: int) -> Tensor:
    """Memory for a chunk of logits, kept from step to step: fresh pages cost as much as a pass over them."""
    return torch.empty(rows, columns)


class LinearCrossEntropy(torch.autograd.Function):
    """Mean over tokens of -log softmax(x E^T + b)[label], a chunk of tokens at a time; gradients in the
    forward pass.

    With S = exp(logits - shift) and Z its row sums, softmax = S / Z:

        dx = (S E) / Z - E[label]
        dE = S^T (x / Z) - onehot(label)^T x
        db = S^T (1 / Z) - onehot(label)^T 1

    all over T. So S is written by the product, by exp, and never divided: Z touches [chunk, H] only. Where
    max |x| max |E_v| + max |b| shows every logit to be below safe_logit the shift is 0, else it is the row's
    maximum.
    """

    @staticmethod
    def forward(ctx, x: Tensor, E: Tensor, b: Tensor, labels: Tensor, safe_logit: float) -> Tensor:
        tokens, chunk = len(x), chunk_tokens(len(b))
        safe = bool(x.norm(dim=1).max() * E.norm(dim=1).max() + b.abs().max() < safe_logit)
        target = (x * E[labels]).sum(1) + b[labels]
        dx, dE, db = torch.empty_like(x), torch.zeros_like(E), torch.zeros_like(b)
        log_sum = x.new_empty(tokens)
        buffer = workspace(chunk, len(b))
        for first in range(0, tokens, chunk):
            part = slice(first, min(first + chunk, tokens))
            S = torch.addmm(b, x[part], E.t(), out=buffer[: part.stop - first])
            shift = torch.zeros(()) if safe else S.amax(1, keepdim=True)
            if not safe:
                S.sub_(shift)
            Z = S.exp_().sum(1, keepdim=True)
            torch.div(S @ E, Z, out=dx[part])
            dE.addmm_(S.t(), x[part] / Z)
            db.addmv_(S.t(), Z.reciprocal().squeeze(1))
            log_sum[part] = (Z.log() + shift).squeeze(1)
        dx -= E[labels]
        dE.index_add_(0, labels, x, alpha=-1)
        db.index_add_(0, labels, torch.ones_like(target), alpha=-1)
        ctx.save_for_backward(dx, dE, db)
        return (log_sum - target).mean()

    @staticmethod
    def backward(ctx, dloss: Tensor):
        scale = dloss / len(ctx.saved_tensors[0])
        return *(gradient.mul_(scale) for gradient in ctx.saved_tensors), None, None


class Dropout:
    """One draw of 16 random bits an element for all dropouts of a step; x is kept where they reach p 2^16.

    The probability is rounded to a multiple of 2^-16. torch's own dropout draws one number at a time and
    costs as much as the products around it.
    """

    def __init__(self, p: float, elements: int):
        self.p = p
        if p > 0:
            bits = torch.empty(-(-elements // 4), dtype=torch.int64).random_(-(2**63), None)
            self.bits = bits.view(torch.int16)

    def __call__(self, x: Tensor) -> Tensor:
        if self.p == 0:
            return x
        bits, self.bits = self.bits[: x.numel()], self.bits[x.numel() :]
        keep = bits >= round(self.p * 2**16) - 2**15
        return x * keep.to(x.dtype).mul_(1 / (1 - self.p)).view_as(x)


class PackedLRURec(nn.Module):
    """Parameters under the published names (dots as slashes), complex ones as real [..., 2]."""

    def __init__(self, weights: dict[str, Tensor], blocks: int = 2, dropout: float = 0.0, eps: float = 1e-5):
        super().__init__()
        self.blocks, self.dropout, self.eps = blocks, dropout, eps
        self.complex = {name for name, x in weights.items() if x.is_complex()}
        self.w = nn.ParameterDict()
        for name, x in weights.items():
            x = torch.view_as_real(x) if x.is_complex() else x
            self.w[name.replace(".", "/")] = nn.Parameter(x.clone().contiguous())

    def named(self) -> list[tuple[str, nn.Parameter]]:
        return [(name.replace("/", "."), p) for name, p in self.w.items()]

    def gradients(self) -> dict[str, Tensor]:
        """Under the published names, complex where those are (dL/dRe + i dL/dIm); zero where none arrived."""
        result = {}
        for name, p in self.named():
            gradient = torch.zeros_like(p) if p.grad is None else p.grad
            result[name] = torch.view_as_complex(gradient) if name in self.complex else gradient
        return result

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.w[name + "/weight"], self.w[name + "/bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self.eps)

    def _lru(self, x: Tensor, name: str, sizes: list[int]) -> Tensor:
        w = self.w
        nu, theta, gamma = w[name + "/params_log"].exp()
        B = gamma.view(-1, 1, 1) * w[name + "/in_proj/weight"].transpose(1, 2)  # [D, 2, H]
        b = gamma.view(-1, 1) * w[name + "/in_proj/bias"]  # [D, 2]
        C = w[name + "/out_proj/weight"].permute(1, 2, 0) * x.new_tensor([1, -1]).view(1, 2, 1)  # [D, 2, H]
        lam = torch.exp(torch.complex(-nu, theta))
        c = w[name + "/out_proj/bias"].select(1, 0)
        return LRU.apply(x, B.flatten(0, 1), b.flatten(), lam, C.flatten(0, 1), c, sizes)

    def _feed_forward(self, y: Tensor, name: str, drop: Dropout) -> Tensor:
        w = self.w
        inner = drop(F.gelu(F.linear(y, w[name + "/w_1/weight"], w[name + "/w_1/bias"])))
        return F.linear(inner, w[name + "/w_2/weight"], w[name + "/w_2/bias"])

    def encode(self, items: Tensor, sizes: list[int]) -> Tensor:
        """items [T] in the order of data.Packed -> [T, H]."""
        hidden = self.w["embedding/token/weight"].shape[1]
        p = self.dropout if self.training else 0.0
        drop = Dropout(p, len(items) * hidden * (1 + 6 * self.blocks))
        x = self._norm(drop(F.embedding(items, self.w["embedding/token/weight"])), "embedding/layer_norm")
        for i in range(self.blocks):
            lru, ffn = f"model/lru_blocks/{i}/lru_layer", f"model/lru_blocks/{i}/feed_forward"
            y = self._norm(drop(self._lru(x, lru, sizes)) + x, lru + "/layer_norm")
            x = self._norm(drop(self._feed_forward(y, ffn, drop)) + y, ffn + "/layer_norm")
        return x

    def forward(self, items: Tensor, sizes: list[int]) -> Tensor:
        """Scores of every token, [T, V]."""
        return F.linear(self.encode(items, sizes), self.w["embedding/token/weight"], self.w["model/bias"])

    def loss(self, batch: Packed, safe_logit: float = SAFE_LOGIT) -> Tensor:
        """Mean cross-entropy over V classes."""
        x = self.encode(batch.items, batch.sizes)
        E, b = self.w["embedding/token/weight"], self.w["model/bias"]
        return LinearCrossEntropy.apply(x, E, b, batch.labels, safe_logit)


class Trainer:
    """One optimiser step: gradients, clip of the global norm, AdamW, each over all parameters at once."""

    def __init__(self, model: PackedLRURec):
        self.model = model.train()
        self.optimizer = parameters.adamw(model.named(), fused=True)

    def step(self, batch: Packed) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.model.loss(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), parameters.CLIP_NORM, foreach=True)
        self.optimizer.step()
        return loss.detach()
