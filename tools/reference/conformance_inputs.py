"""Inputs of the conformance cases: random ones and awkward ones, in every layout."""

import dataclasses

import numpy as np
import torch

DTYPES = {
    "f32": torch.float32,
    "f64": torch.float64,
    "c64": torch.complex64,
    "c128": torch.complex128,
    "i64": torch.int64,
    "bool": torch.bool,
}
REAL, ALL = ("f32", "f64"), ("f32", "f64", "c64", "c128")

FLAVOURS = ("plain", "extreme", "nonfinite")
FINITE = {
    "f32": [0.0, -0.0, 1.0, -1.0, 1e30, -1e30, 3e38, -3e38, 1e-30, -1e-30, 1e-40, -1e-45, 88.0, -90.0, 17.3, -6.2],
    "f64": [0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 1.7e308, 1e-300, -1e-300, 1e-310, -5e-324, 709.0, -730.0, 37.3, -20.1],
}
LARGEST_OF_PRODUCTS = {2: {"f32": 1e15, "f64": 1e150}, 3: {"f32": 1e10, "f64": 1e100}}
NONFINITE = [np.inf, -np.inf, np.nan]


@dataclasses.dataclass
class Input:
    values: torch.Tensor
    layout: str = "dense"
    base: tuple[int, ...] = ()  # the shape before a broadcast

    @property
    def differentiable(self) -> bool:
        return self.values.is_floating_point() or self.values.is_complex()


class Maker:
    """Makes the inputs of one case: of one dtype and one flavour."""

    def __init__(self, seed: int, dtype: str, flavour: str, empty: bool = False, most: int = 3, products: int = 0):
        self.rng = np.random.default_rng(seed)
        self.products = products  # of how many inputs products are to be finite, and not denormal
        self.dtype, self.flavour, self.empty = dtype, flavour, empty
        self.most = most  # the largest size of a dimension

    def whole(self, low: int, high: int) -> int:
        """low .. high, both included."""
        return int(self.rng.integers(low, high + 1))

    def choice(self, options):
        return options[self.whole(0, len(options) - 1)]

    def size(self) -> int:
        return self.whole(1, self.most)

    def shape(self, rank: int | None = None) -> list[int]:
        rank = self.whole(0, 3) if rank is None else rank
        shape = [self.size() for _ in range(rank)]
        if self.empty and rank > 0:
            shape[self.whole(0, rank - 1)] = 0
        return shape

    def line(self) -> list[int]:
        """Of elementwise operations: more than a vector register holds, and a remainder."""
        lanes = 16 if self.dtype == "f32" else 8
        return [0] if self.empty else self.choice([[lanes + self.whole(1, 4)], [self.whole(2, 3), self.whole(4, 6)], []])

    def dim(self, rank: int) -> int:
        return self.whole(-rank, rank - 1)

    def shapes_that_broadcast(self, full: list[int], count: int) -> list[list[int]]:
        """`count` shapes, the first of them `full`."""
        shapes = [list(full)]
        for _ in range(count - 1):
            shape = [1 if self.rng.random() < 0.25 else size for size in full]
            shapes.append(shape[self.whole(0, len(shape)) if self.rng.random() < 0.3 else 0 :])
        return shapes

    def reals(self, count: int, dtype: str, positive: bool = False) -> np.ndarray:
        plain = self.rng.standard_normal(count) * self.choice([0.3, 1.0, 4.0])
        if positive:
            plain = np.abs(plain) + 0.1
        if self.flavour == "plain":
            return plain
        finite = np.array(FINITE[dtype])
        if self.products:
            largest = LARGEST_OF_PRODUCTS[self.products][dtype]
            size = np.where(finite == 0, 0, np.clip(np.abs(finite), 1 / largest, largest))
            finite = np.copysign(size, finite)
        awkward = np.concatenate([finite, 3 * NONFINITE if self.flavour == "nonfinite" else []])
        chosen = self.rng.choice(awkward, size=count, replace=count > len(awkward))
        if self.flavour == "nonfinite" and count > 0 and np.isfinite(chosen).all():
            chosen[self.whole(0, count - 1)] = self.choice(NONFINITE)
        return np.where(self.rng.random(count) < 0.2, plain, chosen)

    def tensor(self, shape: list[int], *, positive: bool = False, dtype: str | None = None) -> Input:
        """In a random layout; positive: where the flavour is plain."""
        dtype = dtype or self.dtype
        part = {"c64": "f32", "c128": "f64"}.get(dtype, dtype)
        layout, base = "dense", list(shape)
        if len(shape) > 0 and 0 not in shape:
            layout = self.choice(["dense", "dense", "dense", "transposed", "stepped", "broadcast"])
            if layout == "broadcast":
                base[self.whole(0, len(shape) - 1)] = 1
        count = int(np.prod(base))
        values = self.reals(count, part, positive)
        if dtype != part:
            values = values + 0j  # then each part by itself: 1j * inf would be NaN + inf i
            values.imag = self.reals(count, part)
        values = torch.from_numpy(np.asarray(values).reshape(base)).to(DTYPES[dtype])
        return Input(values.expand(shape).contiguous(), layout, tuple(base) if layout == "broadcast" else ())

    def integers(self, shape: list[int], below: int) -> Input:
        return Input(torch.from_numpy(self.rng.integers(0, below, size=shape)))

    def mask(self, shape: list[int]) -> Input:
        return Input(torch.from_numpy(np.asarray(self.rng.random(shape) < 0.5)))
