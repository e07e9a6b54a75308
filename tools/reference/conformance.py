"""Cases of every function with a namesake in PyTorch, values and gradients, on random and awkward inputs:

    python tools/reference/conformance.py --random 2000 --seed 1 -o cases.safetensors
    LRUREC_CONFORMANCE=cases.safetensors build/bin/lrurec_tests --gtest_filter='Conformance.*'

Without --random: the fixture of the tests, tests/fixtures/conformance.safetensors. docs/conformance.md says what is
compared. Needs PyTorch (CPU) and numpy.
"""

import argparse
import dataclasses
import json
import warnings

import numpy as np
import torch

import safetensors_np
from conformance_inputs import DTYPES, FLAVOURS, Input, Maker
from conformance_table import FIXED, TABLE, Arguments, Function

NAMES = {dtype: name for name, dtype in DTYPES.items()}
HIGH = {torch.float32: torch.float64, torch.complex64: torch.complex128}
LOW = {torch.float64: torch.float32, torch.complex128: torch.complex64}
EPS = {"f32": 2.0**-24, "c64": 2.0**-24, "f64": 2.0**-53, "c128": 2.0**-53}


def cotangent(seed: int, output: int, like: torch.Tensor) -> torch.Tensor:
    """Eighths from -2 to 2 without 0, pseudo-random; the test makes the same."""
    parts = 2 * like.numel() if like.is_complex() else like.numel()
    mixed = (np.arange(1, parts + 1, dtype=np.uint64) + seed * 1000 + output * 100) * 2654435761 % 2**32
    eighths = (mixed >> 16).astype(np.int64) % 32 - 16
    values = torch.from_numpy((eighths + (eighths >= 0)) / 8)
    if like.is_complex():
        values = as_complex(values.reshape(-1, 2))
    return values.reshape(like.shape).to(like.dtype)


def converted(tensors: list[torch.Tensor], types: dict[torch.dtype, torch.dtype]) -> list[torch.Tensor]:
    return [x.to(types.get(x.dtype, x.dtype)) for x in tensors]


def run(function: Function, inputs: list[torch.Tensor], arguments: Arguments, seed: int, shake=lambda dy: dy):
    """Outputs, and the gradients of the inputs that have one."""
    leaves = [x.detach().clone().requires_grad_(x.is_floating_point() or x.is_complex()) for x in inputs]
    outputs = function.compute(leaves, arguments)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    cotangents = [shake(cotangent(seed, i, y)) for i, y in enumerate(outputs)]
    gradients: list[torch.Tensor] = []
    wanted = [x for x in leaves if x.requires_grad]
    started = [(y, dy) for y, dy in zip(outputs, cotangents) if y.requires_grad]
    if wanted and started:
        found = torch.autograd.grad([y for y, _ in started], wanted, [dy for _, dy in started], allow_unused=True)
        gradients = [torch.zeros_like(x) if dx is None else dx for x, dx in zip(wanted, found)]
    return [y.detach().resolve_conj().resolve_neg() for y in outputs + gradients], len(outputs)


def as_complex(pairs: torch.Tensor) -> torch.Tensor:
    return torch.complex(pairs[..., 0], pairs[..., 1])


def shaken(x: torch.Tensor, change) -> torch.Tensor:
    """x changed by change(values), which is a fraction of themselves; both parts of complex numbers."""
    if x.is_complex():
        return as_complex(shaken(torch.view_as_real(x), change))
    if not x.is_floating_point():
        return x
    values = x.detach().numpy()
    with np.errstate(all="ignore"):
        return torch.empty(x.shape, dtype=x.dtype).copy_(torch.from_numpy(np.asarray(values + values * change(values))))


def by_value(eps: float, round_: int):
    """Up to 4 eps: equal numbers alike, and multiples of 1/2 not at all, so that ties and bounds stay."""

    def change(values: np.ndarray) -> np.ndarray:
        whole = (np.abs(values) < 1e6) & (values * 2 == np.round(values * 2))
        bits = values.astype(np.float64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15 + 2 * round_)
        return np.where(whole, 0, ((bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1) * 4 * eps)

    return change


def by_place(eps: float, rng: np.random.Generator):
    return lambda values: rng.uniform(-4 * eps, 4 * eps, values.shape)


def distance(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """|a - b| of elements whose both are finite, elsewhere 0; of both parts of complex numbers."""
    a, b = (torch.view_as_real(x) if x.is_complex() else x for x in (a, b))
    apart = (a.double() - b.double()).abs().numpy()
    return np.where(np.isfinite(apart), apart, 0)


def kinds(x: torch.Tensor) -> np.ndarray:
    parts = (torch.view_as_real(x) if x.is_complex() else x).double().numpy()
    return np.nan_to_num(np.where(np.isinf(parts) | np.isnan(parts) | (parts == 0), parts, 1), nan=2, posinf=3, neginf=4)


@dataclasses.dataclass
class Result:
    values: torch.Tensor
    slack: np.ndarray | None = None  # how much further off an element may be than a few ulps
    own: torch.Tensor | None = None  # PyTorch's result in the precision of the inputs, where it is another kind of number


def results_of(function: Function, inputs: list[torch.Tensor], arguments: Arguments, seed: int):
    """PyTorch's results on numbers of double precision, and what can be asked of a computation in that of the inputs."""
    low, outputs = run(function, inputs, arguments, seed)
    high_inputs = converted(inputs, HIGH)
    high, _ = run(function, high_inputs, arguments, seed)
    # No worse than 4 times as far off as PyTorch. For double precision this is measured in single precision.
    coarse, _ = run(function, converted(inputs, LOW), arguments, seed)
    exact, _ = run(function, converted(converted(inputs, LOW), HIGH), arguments, seed)
    eps = max((EPS[NAMES[x.dtype]] for x in inputs if NAMES[x.dtype] in EPS), default=0.0)
    slacks = [4 * distance(a, b) * eps / EPS["f32"] for a, b in zip(coarse, exact)]
    # As far off as the result is from that of inputs a few ulps away; for elementwise functions: of cotangents.
    # A few ulps show how results are rounded; but numbers a few ulps away are so few that sums which cancel often do so
    # there as well. So also further away, where nothing but digits changes, and divided again.
    for round_, far in enumerate([1, 1, 1, 256, 256, 256] if function.smooth or function.elementwise else [1, 1, 1]):
        each = by_place(far * eps, np.random.default_rng(round_))
        change = each if function.smooth else by_value(eps, round_)
        near = high_inputs if function.elementwise else [shaken(x, change) for x in high_inputs]
        moved, _ = run(function, near, arguments, seed, lambda dy: shaken(dy, each))
        slacks = [np.maximum(slack, 4 * distance(a, b) / far) for slack, a, b in zip(slacks, moved, high)]
    for at, (slack, y) in enumerate(zip(slacks, high)):
        if function.coupled:
            slacks[at] = 4 * slack + slack.max(initial=0) + 8 * eps * distance(y, torch.zeros_like(y)).max(initial=0)
        if function.absolute == "both" or (function.absolute == "gradient" and at >= outputs):
            slacks[at] = slacks[at] + 8 * eps
    if function.terms is not None and len(high) > outputs:
        size = np.nan_to_num(function.terms(high_inputs, arguments).numpy(), nan=0, posinf=0)
        slacks[outputs] = slacks[outputs] + 8 * eps * size
    results = []
    for y_low, y_high, slack in zip(low, high, slacks):
        values = y_high.to(y_low.dtype)
        parts = (torch.view_as_real(values) if values.is_complex() else values).double().abs().numpy()
        with np.errstate(invalid="ignore"):
            needed = (slack > 4 * eps * parts).any()
        differs = (kinds(y_low) != kinds(values)).any()
        results.append(Result(values, slack if needed else None, y_low if differs else None))
    return results[:outputs], results[outputs:]


class Pools:
    """All numbers of a file in a few long tensors; c64 and c128 as pairs, booleans as i64."""

    def __init__(self):
        self.parts: dict[str, list[np.ndarray]] = {"f32": [], "f64": [], "i64": []}
        self.sizes = dict.fromkeys(self.parts, 0)

    def add(self, x: torch.Tensor) -> int:
        """Where in its pool it begins."""
        x = torch.view_as_real(x) if x.is_complex() else x
        x = x.long() if x.dtype == torch.bool else x
        pool = NAMES[x.dtype]
        at = self.sizes[pool]
        self.parts[pool].append(x.contiguous().numpy().reshape(-1))
        self.sizes[pool] += x.numel()
        return at

    def arrays(self) -> dict[str, np.ndarray]:
        types = {"f32": np.float32, "f64": np.float64, "i64": np.int64}
        return {pool: np.concatenate([np.zeros(0, types[pool]), *parts]) for pool, parts in self.parts.items()}


def described_input(pools: Pools, x: Input) -> list:
    values = x.values
    for dim, size in enumerate(x.base):
        values = values.narrow(dim, 0, size)
    layout = [] if x.layout == "dense" else [x.layout]
    return [NAMES[values.dtype], list(x.values.shape), pools.add(values), *layout, *([list(x.base)] if x.base else [])]


def described_result(pools: Pools, result: Result) -> list[int]:
    """Where its values are, its slack and PyTorch's own; -1: not there, as at the end."""
    y = result.values
    part = torch.view_as_real(y).dtype if y.is_complex() else y.dtype
    places = [pools.add(y), -1, -1]
    if result.slack is not None:
        places[1] = pools.add(torch.from_numpy(np.asarray(result.slack)).to(part))
    if result.own is not None:
        places[2] = pools.add(result.own)
    while places[-1] == -1:
        places.pop()
    return places


def case(pools: Pools, function: Function, flavour: str, inputs: list[Input], arguments: Arguments, seed: int) -> dict:
    """The seed of its cotangents is its place in the file."""
    outputs, gradients = results_of(function, [x.values for x in inputs], arguments, seed)
    more = ({"sums": True} if function.smooth else {}) | ({"args": arguments} if arguments else {})
    return more | {
        "f": function.name,
        "flavour": "empty" if any(x.values.numel() == 0 for x in inputs) else flavour,
        "in": [described_input(pools, x) for x in inputs],
        "out": [[NAMES[y.values.dtype], list(y.values.shape), described_result(pools, y)] for y in outputs],
        "grad": [described_result(pools, dx) for dx in gradients],
    }


def made_case(pools: Pools, function: Function, maker: Maker, seed: int) -> dict:
    inputs, arguments = function.make(maker)
    return case(pools, function, maker.flavour, inputs, arguments, seed)


def fixture(pools: Pools) -> list[dict]:
    """Elementwise functions with every dtype and flavour; of the others, a dtype for each flavour in turn."""
    cases = []
    for at, function in enumerate(TABLE):
        for which, flavour in enumerate(FLAVOURS):
            dtypes = [dtype for dtype in function.dtypes if flavour in function.flavours_of(dtype)]
            if not function.elementwise:
                dtypes = dtypes[(at + which) % len(dtypes) :][:1] if dtypes else []
            for dtype in dtypes:
                seed = len(cases)
                cases.append(made_case(pools, function, Maker(seed, dtype, flavour, products=function.products), seed))
        if function.empty:
            seed = len(cases)
            dtype = function.dtypes[at % len(function.dtypes)]
            cases.append(made_case(pools, function, Maker(seed, dtype, "plain", empty=True), seed))
    functions = {function.name: function for function in reversed(TABLE)}
    for name, flavour, inputs, arguments in FIXED:
        cases.append(case(pools, functions[name], flavour, inputs, arguments, len(cases)))
    return cases


def random_cases(pools: Pools, count: int, seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    cases = []
    for at in range(count):
        function = TABLE[at % len(TABLE)]
        dtype = str(rng.choice(function.dtypes))
        flavour = str(rng.choice(function.flavours_of(dtype)))
        empty = function.empty and rng.random() < 0.05
        most = int(rng.choice([3, 5, 9]))
        maker = Maker(int(rng.integers(2**31)), dtype, "plain" if empty else flavour, empty, most, function.products)
        cases.append(made_case(pools, function, maker, at))
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", default="tests/fixtures/conformance.safetensors")
    parser.add_argument("--random", type=int, metavar="N", help="N random cases instead of the fixture")
    parser.add_argument("--seed", type=int, default=1, help="of random cases")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    pools = Pools()
    cases = fixture(pools) if arguments.random is None else random_cases(pools, arguments.random, arguments.seed)
    metadata = {"cases": json.dumps(cases, separators=(",", ":")), "pytorch": torch.__version__.split("+")[0]}
    safetensors_np.write(arguments.output, pools.arrays(), metadata)
    print(f"{arguments.output}: {len(cases)} cases of {len({c['f'] for c in cases})} functions")


if __name__ == "__main__":
    main()
