"""The polynomials of ops/primitives/f32_functions.h: python minimax.py.

Least squares at Chebyshev points, reweighted until the largest error is as small as it gets (Lawson's method), each error
weighted by what it does to the result. Prints each polynomial's coefficients, rounded to f32, lowest first, and its
largest error in units of 2^-24, which f32's own rounding is half of.
"""

import math
from collections.abc import Callable

import numpy as np

Function = Callable[[float], float]


def minimax(name: str, f: Function, weight: Function, low: float, high: float, degree: int) -> None:
    u = np.cos(np.linspace(0, np.pi, 3001))
    x = (low + high) / 2 + (high - low) / 2 * u
    y, w = np.array([f(v) for v in x]), np.array([weight(v) for v in x])
    columns = np.polynomial.chebyshev.chebvander(u, degree)
    lawson, best, best_error = np.ones(len(x)), np.zeros(degree + 1), math.inf
    for _ in range(300):
        scale = np.sqrt(lawson) * w
        c = np.linalg.lstsq(columns * scale[:, None], y * scale, rcond=None)[0]
        error = np.abs((columns @ c - y) * w)
        if error.max() < best_error:
            best, best_error = c, error.max()
        lawson *= error / error.max() + 1e-6
        lawson /= lawson.sum()
    powers = np.polynomial.Chebyshev(best, domain=[low, high]).convert(kind=np.polynomial.Polynomial).coef
    print(f"{name}: {', '.join(f'{np.float32(v):.9g}' for v in powers)}; error {best_error * 2**24:.2g}")


def exp_tail(r: float) -> float:
    """(e^r - 1 - r) / r^2, by its series."""
    return sum(r**k / math.factorial(k + 2) for k in range(14))


def erf_ratio(t: float) -> float:
    """erf(x) / x at t = x^2, by its series."""
    return 2 / math.sqrt(math.pi) * sum((-t) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(26))


def main() -> None:
    half = math.log(2) / 2 * 1.001
    minimax("exp, from r^2 on", exp_tail, lambda r: r * r * math.exp(-r), -half, half, 4)
    minimax("erf(x) / x - 1 in x^2", lambda t: erf_ratio(t) - 1, lambda t: 1 / erf_ratio(t), 0, 1, 6)
    minimax("erfc(x) e^(x^2)", lambda x: math.erfc(x) * math.exp(x * x), lambda x: math.exp(-x * x) / math.erf(x), 1, 4, 7)


if __name__ == "__main__":
    main()
