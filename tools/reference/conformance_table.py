"""Every function with a namesake in PyTorch: its inputs and what PyTorch computes of them. The other half of the table
is tests/ops/conformance_functions.h, under the same names."""

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from conformance_inputs import ALL, DTYPES, FLAVOURS, REAL, Input, Maker

Arguments = dict[str, object]
Made = tuple[list[Input], Arguments]


@dataclasses.dataclass
class Function:
    name: str
    compute: Callable  # (inputs, arguments) -> a tensor or several
    make: Callable[[Maker], Made]
    dtypes: tuple[str, ...]
    elementwise: bool = False  # each element is to be right to a few ulps, however much its input decides
    empty: bool = True  # whether there are inputs without elements
    flavours: tuple[str, ...] = FLAVOURS
    complex_flavours: tuple[str, ...] = FLAVOURS
    products: int = 0  # sums of products of so many: these are to be finite, or the order of the sum would decide
    smooth: bool = False  # no ties: each element of an input may be a few ulps away by itself
    coupled: bool = False  # each element may be off by ulps of the largest one
    absolute: str = ""  # "gradient" or "both": may be off by ulps of 1 and of dL/dy
    terms: Callable | None = None  # (inputs, arguments) -> how large what is summed for the first input's gradient can be

    def flavours_of(self, dtype: str) -> tuple[str, ...]:
        return self.complex_flavours if dtype in ("c64", "c128") else self.flavours


TABLE: list[Function] = []


def row(name, compute, make, dtypes=ALL, **more) -> None:
    TABLE.append(Function(name, compute, make, dtypes, **more))


# Elementwise


def one(m: Maker) -> Made:
    return [m.tensor(m.line())], {}


def one_positive(m: Maker) -> Made:
    return [m.tensor(m.line(), positive=True)], {}


def two(m: Maker) -> Made:
    shapes = m.shapes_that_broadcast(m.line(), 2)
    if m.rng.random() < 0.5:
        shapes.reverse()
    return [m.tensor(shape) for shape in shapes], {}


def two_alike(m: Maker) -> Made:
    shape = m.line()
    return [m.tensor(shape), m.tensor(shape)], {}


def unary(name, compute, dtypes=ALL, make=one, **more) -> None:
    row(name, lambda x, a: compute(x[0]), make, dtypes, elementwise=True, **more)


def binary(name, compute, dtypes=ALL, make=two) -> None:
    row(name, lambda x, a: compute(x[0], x[1]), make, dtypes, elementwise=True)


for _name in ("neg", "exp", "square", "reciprocal", "sin", "cos"):
    unary(_name, getattr(torch, _name))
for _name in ("expm1", "erf", "relu"):
    unary(_name, getattr(torch, _name), REAL)
# Their derivatives are differences, or are made from a rounded y.
unary("tanh", torch.tanh, absolute="gradient")
unary("sigmoid", torch.sigmoid, REAL, absolute="gradient")
unary("gelu", F.gelu, REAL, absolute="gradient")
unary("silu", F.silu, REAL, absolute="gradient")
for _name in ("log", "sqrt"):
    unary(_name, getattr(torch, _name), ALL, one_positive)
unary("log1p", torch.log1p, REAL, one_positive)
# Above its threshold PyTorch takes x for softplus(x): at the usual 20 that is off by 2e-9.
unary("softplus", lambda x: F.softplus(x, threshold=40), REAL)

for _name in ("add", "sub", "mul", "div"):
    binary(_name, getattr(torch, _name))


def base_and_exponent(m: Maker) -> Made:
    shapes = m.shapes_that_broadcast(m.line(), 2)
    return [m.tensor(shapes[0], positive=True), m.tensor(shapes[1])], {}


binary("pow", torch.pow, ALL, base_and_exponent)
for _name in ("maximum", "minimum"):
    binary(_name, getattr(torch, _name), REAL)


def number_beside(m: Maker) -> Made:
    operation = m.choice(["add", "sub", "mul", "div"])
    return [m.tensor(m.line())], {"operation": operation, "left": m.choice([True, False]), "number": 1.5}


def with_number(x, a):
    operands = (a["number"], x[0]) if a["left"] else (x[0], a["number"])
    operation = {"add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__"}[a["operation"]]
    return getattr(torch.as_tensor(operands[0], dtype=x[0].dtype), operation)(operands[1])


row("number", with_number, number_beside, elementwise=True)


def mixed(m: Maker) -> Made:
    shape = m.line()
    return [m.tensor(shape), m.tensor(shape, dtype=m.choice(list(ALL)))], {}


row("add", lambda x, a: x[0] + x[1], mixed, elementwise=True)
row("mul", lambda x, a: x[0] * x[1], mixed, elementwise=True)

# Comparisons, choices

for _name, _torch_name in (("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge")):
    binary(_name, getattr(torch, _torch_name), REAL)
binary("equal", torch.eq)
binary("not_equal", torch.ne)


def two_masks(m: Maker) -> Made:
    return [m.mask(shape) for shape in m.shapes_that_broadcast(m.line(), 2)], {}


binary("logical_and", torch.logical_and, ("f32",), two_masks)
binary("logical_or", torch.logical_or, ("f32",), two_masks)
unary("logical_not", torch.logical_not, ("f32",), lambda m: ([m.mask(m.line())], {}))


def choice_of_two(m: Maker) -> Made:
    shapes = m.shapes_that_broadcast(m.line(), 3)
    return [m.mask(shapes[1]), m.tensor(shapes[0]), m.tensor(shapes[2])], {}


def choice_of_number(m: Maker) -> Made:
    shape = m.line()
    return [m.mask(shape), m.tensor(shape)], {"number": -2.5}


def fill(m: Maker) -> Made:
    shapes = m.shapes_that_broadcast(m.line(), 2)
    return [m.tensor(shapes[0]), m.mask(shapes[1])], {"number": m.choice([-1e9, 0.5])}


row("where", lambda x, a: torch.where(x[0], x[1], x[2]), choice_of_two, elementwise=True)
row("where_number", lambda x, a: torch.where(x[0], x[1], a["number"]), choice_of_number, elementwise=True)
row("masked_fill", lambda x, a: x[0].masked_fill(x[1], a["number"]), fill, elementwise=True)
row("clamp", lambda x, a: x[0].clamp(a["low"], a["high"]),
    lambda m: ([m.tensor(m.line())], {"low": -1.0, "high": m.choice([0.5, 1e9])}), REAL, elementwise=True)

# Complex numbers

for _name in ("conj", "abs", "angle", "real"):
    unary(_name, getattr(torch, _name))
for _name, _compute in (("imag", torch.imag), ("view_as_real", torch.view_as_real)):
    unary(_name, _compute, ("c64", "c128"))
unary("to_complex", lambda x: x.to(torch.complex64 if x.dtype == torch.float32 else torch.complex128), REAL)
binary("complex", torch.complex, REAL, two_alike)


def size_and_angle(m: Maker) -> Made:
    shape = m.line()
    return [m.tensor(shape, positive=True), m.tensor(shape)], {}


binary("polar", torch.polar, REAL, size_and_angle)
row("view_as_complex", lambda x, a: torch.view_as_complex(x[0]), lambda m: ([m.tensor([*m.line(), 2])], {}), REAL,
    elementwise=True, empty=False)  # PyTorch's gradient refuses an empty one

# Reductions


def reduced(m: Maker) -> Made:
    shape = m.shape()
    count = m.whole(0, len(shape))
    dims = [int(d) for d in m.rng.permutation(len(shape))[:count]]
    return [m.tensor(shape)], {"dims": dims, "keep": m.choice([True, False])}


def along(m: Maker, least: int = 1) -> Made:
    shape = m.shape(m.whole(1, 3))
    dim = m.dim(len(shape))
    if shape[dim] < least:  # a dimension that has to have elements is not the empty one
        shape[dim] = least
    return [m.tensor(shape)], {"dim": dim, "keep": m.choice([True, False])}


def dims_of(x, a):
    return a["dims"] or list(range(x.dim()))


for _name in ("sum", "mean"):
    row(_name, lambda x, a, f=getattr(torch, _name): f(x[0], dims_of(x[0], a), keepdim=a["keep"]), reduced, products=2,
        smooth=True)


def with_correction(m: Maker) -> Made:
    (x,), a = reduced(m)
    count = int(np.prod([x.values.shape[d] for d in dims_of(x.values, a)]))
    return [x], a | {"correction": m.choice([0, 1]) if count != 1 or not x.values.is_complex() else 0}


row("var", lambda x, a: torch.var(x[0], dims_of(x[0], a), correction=a["correction"], keepdim=a["keep"]),
    with_correction, products=2, smooth=True, coupled=True)
row("norm", lambda x, a: torch.linalg.vector_norm(x[0], 2, dims_of(x[0], a), keepdim=a["keep"]), reduced, products=2,
    smooth=True)
row("logsumexp", lambda x, a: torch.logsumexp(x[0], dims_of(x[0], a), keepdim=a["keep"]), reduced, REAL)
for _name in ("max", "min"):
    row(_name, lambda x, a, f=getattr(torch, _name): f(x[0], a["dim"], keepdim=a["keep"]).values, along, REAL)
for _name in ("argmax", "argmin"):
    row(_name, lambda x, a, f=getattr(torch, _name): f(x[0], a["dim"], keepdim=a["keep"]), along, REAL)
row("cumsum", lambda x, a: torch.cumsum(x[0], a["dim"]), along, smooth=True)
row("softmax", lambda x, a: torch.softmax(x[0], a["dim"]), along, REAL, absolute="gradient")
row("log_softmax", lambda x, a: torch.log_softmax(x[0], a["dim"]), along, REAL, absolute="both")


def largest(m: Maker) -> Made:
    """Of different elements: of equal ones PyTorch's order is not defined."""
    shape = m.shape(m.whole(1, 2))
    values = torch.from_numpy(m.rng.permutation(int(np.prod(shape))).reshape(shape)).to(DTYPES[m.dtype])
    if m.flavour == "nonfinite":
        values[values == 0] = m.choice([float("inf"), float("-inf"), float("nan")])
    return [Input(values)], {"k": m.whole(0, shape[-1])}


row("top_k", lambda x, a: tuple(torch.topk(x[0], a["k"])), largest, REAL)

# Shapes


def shaped(m: Maker) -> Made:
    shape = m.shape(m.whole(1, 3))
    return [m.tensor(shape)], {"dim": m.dim(len(shape))}


def reshaped(m: Maker) -> Made:
    shape = m.shape()
    return [m.tensor(shape)], {"shape": [int(n) for n in m.rng.permutation(shape)] + [1]}


def transposed(m: Maker) -> Made:
    inputs, a = shaped(m)
    return inputs, {"dims": [a["dim"], m.dim(inputs[0].values.dim())]}


def permuted(m: Maker) -> Made:
    shape = m.shape()
    return [m.tensor(shape)], {"dims": [int(d) for d in m.rng.permutation(len(shape))]}


def squeezed(m: Maker) -> Made:
    shape = m.shape(m.whole(1, 3))
    dim = m.dim(len(shape))
    shape[dim] = 1
    return [m.tensor(shape)], {"dim": dim}


def stretched(m: Maker) -> Made:
    full, part = m.shapes_that_broadcast(m.shape(), 2)
    return [m.tensor(part)], {"shape": full}


def flipped(m: Maker) -> Made:
    inputs, a = permuted(m)
    return inputs, {"dims": a["dims"][: m.whole(0, len(a["dims"]))]}


def range_of(m: Maker, size: int) -> Arguments:
    start = m.whole(0, size)
    return {"start": start, "end": m.whole(start, size)}


def sliced(m: Maker) -> Made:
    inputs, a = shaped(m)
    return inputs, a | range_of(m, inputs[0].values.shape[a["dim"]]) | {"step": m.choice([1, 1, 2])}


def slice_of(x, a):
    return x.narrow(a["dim"], a["start"], a["end"] - a["start"])


def assigned(m: Maker) -> Made:
    inputs, a = shaped(m)
    a |= range_of(m, inputs[0].values.shape[a["dim"]])
    values = m.shapes_that_broadcast(list(slice_of(inputs[0].values, a).shape), 2)[1]
    return [*inputs, m.tensor(values)], a


def assign(x, a):
    y = x[0].clone()
    slice_of(y, a)[...] = x[1]
    return y


def selected(m: Maker) -> Made:
    inputs, a = along(m)
    return inputs, {"dim": a["dim"], "index": m.whole(0, inputs[0].values.shape[a["dim"]] - 1)}


def joined(m: Maker) -> Made:
    shape = m.shape(m.whole(1, 3))
    dim = m.dim(len(shape))
    parts = []
    for _ in range(m.whole(1, 3)):
        shape[dim] = m.whole(0, 3)
        parts.append(m.tensor(shape))
    return parts, {"dim": dim}


def stacked(m: Maker) -> Made:
    shape = m.shape(m.whole(0, 2))
    return [m.tensor(shape) for _ in range(m.whole(1, 3))], {"dim": m.dim(len(shape) + 1)}


row("reshape", lambda x, a: x[0].reshape(a["shape"]), reshaped)
row("transpose", lambda x, a: x[0].transpose(*a["dims"]), transposed)
row("permute", lambda x, a: x[0].permute(a["dims"]), permuted)
row("unsqueeze", lambda x, a: x[0].unsqueeze(a["dim"]), shaped)
row("squeeze", lambda x, a: x[0].squeeze(a["dim"]), squeezed)
row("broadcast_to", lambda x, a: torch.broadcast_to(x[0], a["shape"]), stretched)
row("flip", lambda x, a: x[0].flip(a["dims"]), flipped)
row("slice", lambda x, a: x[0].transpose(0, a["dim"])[a["start"] : a["end"] : a["step"]].transpose(0, a["dim"]), sliced)
row("select", lambda x, a: x[0].select(a["dim"], a["index"]), selected)
row("slice_assign", assign, assigned)
row("split", lambda x, a: x[0].split(a["size"], a["dim"]),
    lambda m: (lambda made: (made[0], made[1] | {"size": m.whole(1, 3)}))(along(m)))
row("unbind", lambda x, a: x[0].unbind(a["dim"]), along)
row("concat", lambda x, a: torch.concat(x, a["dim"]), joined)
row("stack", lambda x, a: torch.stack(x, a["dim"]), stacked)


def looked_up(m: Maker) -> Made:
    inputs, a = along(m)
    shape = list(inputs[0].values.shape)
    index = [m.whole(1, size) if size > 0 else 0 for size in shape]
    index[a["dim"]] = m.whole(0, 4)
    return [*inputs, m.integers(index, shape[a["dim"]])], {"dim": a["dim"]}


def added_to(m: Maker) -> Made:
    inputs, a = looked_up(m)
    return [*inputs, m.tensor(list(inputs[1].values.shape))], a


row("gather", lambda x, a: torch.gather(x[0], a["dim"], x[1]), looked_up)
row("scatter_add", lambda x, a: torch.scatter_add(x[0], a["dim"], x[1], x[2]), added_to)

# Matrices, layers, losses


def matrices(m: Maker) -> Made:
    rows, inner, columns = m.size(), 0 if m.empty else m.size(), m.size()
    lead = m.shapes_that_broadcast([m.size() for _ in range(m.whole(0, 2))], 2)
    left, right = [*lead[0], rows, inner], [*lead[1], inner, columns]
    vectors = m.whole(0, 5)  # sometimes vectors: 0 on the left, 1 on the right, 2 both
    left, right = left[-1:] if vectors in (0, 2) else left, right[-2:-1] if vectors in (1, 2) else right
    return [m.tensor(left), m.tensor(right)], {}


def affine(m: Maker) -> Made:
    inner, outer = m.size(), m.size()
    inputs = [m.tensor([*m.shape(m.whole(1, 2)), inner]), m.tensor([outer, inner])]
    return inputs + [m.tensor([outer])] * m.whole(0, 1), {}


def normalised(m: Maker) -> Made:
    inner = m.whole(3, 6)
    return [m.tensor([*m.shape(m.whole(1, 2)), inner]), m.tensor([inner]), m.tensor([inner])], {"eps": 1e-5}


def root_mean_square(m: Maker) -> Made:
    (x, weight, _), a = normalised(m)
    return [x, weight], a


def signal(m: Maker) -> Made:
    return [m.tensor([*m.shape(m.whole(0, 1)), m.whole(1, 9)])], {}


def spectrum(m: Maker) -> Made:
    n = m.whole(1, 9)
    return [m.tensor([*m.shape(m.whole(0, 1)), n // 2 + 1])], {"n": n}


def classified(m: Maker) -> Made:
    rows, classes = m.whole(1, 4), m.whole(1, 4)
    labels = m.integers([rows], classes)
    labels.values[1:][torch.from_numpy(m.rng.random(rows - 1) < 0.4)] = -1
    return [m.tensor([rows, classes]), labels], {}


def classified_by_product(m: Maker) -> Made:
    (logits, labels), _ = classified(m)
    rows, classes = logits.values.shape
    inner = m.size()
    return [m.tensor([rows, inner]), m.tensor([classes, inner]), m.tensor([classes]), labels], {}


def with_probabilities(m: Maker) -> Made:
    inputs, _ = two_alike(m)
    targets = m.rng.random(tuple(inputs[1].values.shape)).round(1)
    return [inputs[0], Input(torch.from_numpy(np.asarray(targets)).to(inputs[1].values.dtype))], {}


# The order in which the four products of a complex one are added decides which infinity becomes a NaN.
_FINITE = ("plain", "extreme")
row("matmul", lambda x, a: torch.matmul(x[0], x[1]), matrices, products=2, smooth=True, complex_flavours=_FINITE)
row("linear", lambda x, a: F.linear(*x), affine, products=2, smooth=True, complex_flavours=_FINITE)
row("embedding", lambda x, a: x[0][x[1]] if x[0].is_complex() else F.embedding(x[1], x[0]),
    lambda m: ([m.tensor([4, m.size()]), m.integers(m.shape(m.whole(0, 2)), 4)], {}))


def norm_terms(x, a, centred: bool):
    """r w dy, with |dy| at most 2: what the gradient of a norm's input is a sum of, and may cancel in it."""
    deviations = x[0] - x[0].mean(-1, keepdim=True) if centred else x[0]
    return 2 * x[1].abs().max() / torch.sqrt(deviations.square().mean(-1, keepdim=True) + a["eps"])


row("layer_norm", lambda x, a: F.layer_norm(x[0], x[1].shape, x[1], x[2], a["eps"]), normalised, REAL,
    products=3, smooth=True, coupled=True, terms=lambda x, a: norm_terms(x, a, centred=True))
row("rms_norm", lambda x, a: F.rms_norm(x[0], x[1].shape, x[1], a["eps"]), root_mean_square, REAL, products=3,
    smooth=True, coupled=True, terms=lambda x, a: norm_terms(x, a, centred=False))
_TRANSFORM = {"products": 2, "smooth": True, "coupled": True, "flavours": _FINITE, "complex_flavours": _FINITE}
row("fft", lambda x, a: torch.fft.fft(x[0]), signal, **_TRANSFORM)
row("ifft", lambda x, a: torch.fft.ifft(x[0]), signal, **_TRANSFORM)
row("rfft", lambda x, a: torch.fft.rfft(x[0]), signal, REAL, **_TRANSFORM)
row("irfft", lambda x, a: torch.fft.irfft(x[0], a["n"]), spectrum, ("c64", "c128"), **_TRANSFORM)
row("cross_entropy", lambda x, a: F.cross_entropy(x[0], x[1], ignore_index=-1), classified, REAL, empty=False,
    absolute="both")
row("linear_cross_entropy", lambda x, a: F.cross_entropy(F.linear(x[0], x[1], x[2]), x[3], ignore_index=-1),
    classified_by_product, REAL, empty=False, products=2, smooth=True, coupled=True, absolute="gradient")
row("mse_loss", lambda x, a: F.mse_loss(x[0], x[1]), two_alike, REAL, products=2, smooth=True)
row("binary_cross_entropy_with_logits", lambda x, a: F.binary_cross_entropy_with_logits(x[0], x[1]),
    with_probabilities, REAL, products=2, smooth=True, absolute="gradient")

# Packed sequences: here one after the other, each without padding


def lengths_of(m: Maker) -> list[int]:
    return [m.whole(0, 4) for _ in range(m.whole(1, 3))] + [1]


def offsets_of(lengths: list[int]) -> Input:
    return Input(torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int64))


def sequences(x, offsets):
    return [x[begin:end] for begin, end in zip(offsets[:-1], offsets[1:])]


def heads_of(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(0, 1)


def attend(x, a):
    """PyTorch has [heads, length, width] for each sequence."""
    results = []
    for qkv in sequences(x[0], x[1]):
        q, k, v = (heads_of(part, a["heads"]) for part in qkv.chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=a["causal"])
        results.append(y.transpose(0, 1).flatten(1))
    return torch.concat(results)


def attention_terms(x, a):
    """width |dy| |v| |k| and width |dy| |v| |q|: what gradients of q and k are sums of, and may cancel in them."""
    finite = torch.nan_to_num(x[0], nan=0, posinf=0, neginf=0)
    q, k, v = (part.abs().max() for part in finite.chunk(3, -1))
    width = x[0].shape[1] // 3
    largest = 2 * width // a["heads"] * v * torch.stack([k, q, torch.zeros_like(v)])
    return largest.repeat_interleave(width).expand_as(x[0])


def convolve(x, a):
    """PyTorch's Conv1d has channels before time and weights in the order of time."""
    values, weight, offsets, bias = x
    taps, channels = weight.shape
    kernel = weight.flip(0).t().unsqueeze(1)
    results = []
    for tokens in sequences(values, offsets):
        y = F.conv1d(tokens.t().unsqueeze(0), kernel, bias, padding=taps - 1, groups=channels)
        results.append(y[0, :, : len(tokens)].t())
    return torch.concat(results)


def convolved(m: Maker) -> Made:
    lengths, channels, taps = [m.whole(1, 5) for _ in range(m.whole(1, 3))], m.size(), m.whole(1, 4)
    inputs = [m.tensor([sum(lengths), channels]), m.tensor([taps, channels])]
    return [*inputs, offsets_of(lengths), m.tensor([channels])], {}


def attended(m: Maker) -> Made:
    lengths, heads, width = lengths_of(m), m.whole(1, 2), m.whole(1, 2)
    qkv = m.tensor([sum(lengths), 3 * heads * width])
    return [qkv, offsets_of(lengths)], {"heads": heads, "causal": m.choice([True, False])}


def recur(x, a):
    """torch.gru over packed sequences, which must have tokens. Its gates W x + b come from an identity W here; it takes
    the bias of the candidate's recurrent part from the last third of a bias [3 H]. (The identity would make NaN of
    infinite gates.)"""
    g, u, c, offsets = x
    hidden = c.shape[0]
    zeros = torch.zeros(3 * hidden, dtype=g.dtype)
    bias = torch.concat([zeros[: 2 * hidden], c])
    weights = [torch.eye(3 * hidden, dtype=g.dtype), u, zeros, bias]
    packed = torch.nn.utils.rnn.pack_sequence(sequences(g, offsets), enforce_sorted=False)
    start = torch.zeros(1, len(offsets) - 1, hidden, dtype=g.dtype)
    y, _ = torch.gru(packed.data, packed.batch_sizes, start, weights, True, 1, 0.0, False, False)
    padded, lengths = torch.nn.utils.rnn.pad_packed_sequence(packed._replace(data=y), batch_first=True)
    return torch.concat([rows[:length] for rows, length in zip(padded, lengths)])


def recurrent(m: Maker) -> Made:
    lengths, hidden = [m.whole(1, 4) for _ in range(m.whole(1, 3))], m.size()
    inputs = [m.tensor([sum(lengths), 3 * hidden]), m.tensor([3 * hidden, hidden]), m.tensor([hidden])]
    return [*inputs, offsets_of(lengths)], {}


row("conv1d", convolve, convolved, REAL, empty=False, products=2, smooth=True)
row("attention", attend, attended, REAL, empty=False, products=2, smooth=True, coupled=True, terms=attention_terms)
row("gru", recur, recurrent, REAL, empty=False, flavours=("plain",), smooth=True, coupled=True)

# What random inputs rarely meet: at each of these our result differs, for a reason in docs/conformance.md.

FIXED: list[tuple[str, str, list[Input], Arguments]] = []
_INF, _NAN = float("inf"), float("nan")


def fixed(name, flavour, dtype, *inputs, **arguments) -> None:
    made = [Input(torch.tensor(x, dtype=DTYPES[dtype]) if isinstance(x, list) else x) for x in inputs]
    FIXED.append((name, flavour, made, arguments))


def i64(*values):
    return torch.tensor(values, dtype=torch.int64)


fixed("abs", "extreme", "c128", [complex(1e-310, -5e-324)])
fixed("abs", "extreme", "c64", [complex(-1e-45, -1e-45)])
fixed("angle", "nonfinite", "c128", [complex(1e308, 1e300), complex(1e300, 1e300), complex(_INF, 1)])
fixed("attention", "nonfinite", "f32", [[1e-15, _NAN, -_INF, 1, 2, 3]] * 2, i64(0, 2), heads=2, causal=True)
fixed("binary_cross_entropy_with_logits", "nonfinite", "f32", [-_INF], [0.25])
fixed("cross_entropy", "nonfinite", "f32", [[_INF, 1], [1, 2]], i64(-1, 0))
fixed("linear_cross_entropy", "nonfinite", "f64", [[3, -1e-150], [1e-150, -0.4]], [[-20, 1e-150], [_INF, -1e-150]], [-_INF, -1.0], i64(1, -1))
fixed("linear_cross_entropy", "nonfinite", "f64", [[0.7], [_INF]], [[_INF], [-1e-150]], [0.5, 0.5], i64(1, -1))
for _flavour in ("extreme", "nonfinite"):
    fixed("div", _flavour, "c128", [-5e-324 + 0j], [1e-310j])
fixed("div", "extreme", "c128", [1 + 1j, -20.1j], [0j, complex(-5e-324, -0.0)])
fixed("div", "nonfinite", "c128", [1 + 1j, -20.1j, complex(_INF, 1)], [0j, complex(-5e-324, -0.0), 0j])
fixed("erf", "plain", "f32", [9.9])
fixed("erf", "extreme", "f32", [9.9])
fixed("erf", "nonfinite", "f32", [9.9, _INF])
fixed("layer_norm", "nonfinite", "f32", [[-5.5, -6.9, -1e15]], [-0.5, -_INF, -1e-15], [0.0, 0, 0], eps=1e-5)
fixed("layer_norm", "nonfinite", "f64", [[-1, -1e150, 1e150, 0.0093]], [_INF, 1, 1, 1], [0.0] * 4, eps=1e-5)
for _flavour in ("extreme", "nonfinite"):
    fixed("layer_norm", _flavour, "f64", [[1e150] * 3], [37.3, 1e-150, -0.24], [0.0] * 3, eps=1e-5)
fixed("layer_norm", "extreme", "f64", [[1e150] * 4], [1e150, 1e-150, 0, 2.5], [0.0] * 4, eps=1e-5)
fixed("log", "extreme", "c128", [0j])
fixed("log", "nonfinite", "c128", [0j, complex(_INF, 1)])
fixed("logsumexp", "nonfinite", "f32", [-_INF, -_INF], dims=[], keep=False)
fixed("logsumexp", "extreme", "f32", [0.0, -90], dims=[], keep=False)
fixed("conv1d", "nonfinite", "f64", [[4.0], [_NAN]], [[1e-150], [-0.0], [_INF]], i64(0, 2), [4.5])
for _name in ("maximum", "minimum"):
    fixed(_name, "nonfinite", "f32", [0.0, -0.0, _INF], [-0.0, 0.0, 1])
fixed("layer_norm", "nonfinite", "f32", [[-6.2] * 3], [1.0, 1, _INF], [0.0, 0, 0], eps=1e-5)
fixed("rms_norm", "nonfinite", "f64", [[1e150, 0.4, -1e-150, -1, 1.5, 3]], [0, -0.0, -_INF, 1e-150, -730, 1], eps=1e-5)
fixed("pow", "nonfinite", "c128", [complex(_NAN, _NAN)], [complex(0, -0.0)])
fixed("pow", "nonfinite", "c64", [complex(-_INF, -3e38)], [complex(1, -0.0)])
fixed("maximum", "extreme", "f32", [0.0, -0.0], [-0.0, 0.0])
fixed("minimum", "extreme", "f32", [0.0, -0.0], [-0.0, 0.0])
fixed("number", "extreme", "c64", [-0j], operation="div", left=True, number=1.5)
fixed("number", "nonfinite", "c128", [complex(_INF, 1), complex(17.3, _NAN)], operation="sub", left=True, number=1.5)
for _angle in (37.3, 1.0, -2.0, 0.3):
    fixed("polar", "extreme", "f64", *(torch.tensor(x, dtype=torch.float64) for x in (1e-310, _angle)))
fixed("pow", "nonfinite", "c64", [complex(3e38, 1e-40), complex(-_INF, _NAN)], [complex(-_INF, _NAN), -1e30 - 2j])
fixed("reciprocal", "extreme", "c128", [0j, 1e-310 + 0j, complex(-5e-324, 1e-310)])
fixed("reciprocal", "nonfinite", "c128", [0j, 1e-310 + 0j, complex(-5e-324, 1e-310), complex(_INF, 1)])
fixed("softmax", "extreme", "f32", [0.0, -90], dim=0)
fixed("softplus", "extreme", "f32", [-90.0])
fixed("sqrt", "nonfinite", "c128", [0j, complex(_INF, 1)])
fixed("square", "extreme", "c64", [-1e30 + 1e30j])
fixed("square", "nonfinite", "c64", [-1e30 + 1e30j, complex(_INF, 1)])
fixed("var", "nonfinite", "f32", [_INF, 1], dims=[], correction=1, keep=False)
