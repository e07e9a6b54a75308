#!/usr/bin/env python3
"""How well channels of a linear recurrence single out one item of the past (chapter 4 of docs/study); needs numpy.

The weight of the item k steps ago is a sum over channels of c lambda^k, or of its real part. Wanted is 1 for one k and 0 for
the others of the last 31; least squares with coefficients of norm at most 3. 32 real lambdas, or 16 complex ones drawn from
the ring, mean of ten draws.
"""

import argparse

LAGS, MOST = 31, 3.0


def error(powers, lag):
    """Distance from the wanted weights of the best coefficients of norm MOST: ridge regression, its penalty by bisection."""
    wanted = np.zeros(LAGS)
    wanted[lag] = 1
    u, s, vt = np.linalg.svd(powers, full_matrices=False)
    low, high = 1e-14, 1e4
    for _ in range(200):
        penalty = np.sqrt(low * high)
        found = vt.T @ (s * (u.T @ wanted) / (s * s + penalty))
        low, high = (penalty, high) if np.linalg.norm(found) > MOST else (low, penalty)
    return np.linalg.norm(powers @ found - wanted)


def powers_of(values):
    return values[None, :] ** np.arange(LAGS)[:, None]


def complex_error(lag, seed, count=16):
    random = np.random.default_rng(seed)
    modulus = np.sqrt(random.uniform(0.8**2, 0.99**2, count))
    powers = powers_of(modulus * np.exp(1j * random.uniform(0, 2 * np.pi, count)))
    return error(np.concatenate([powers.real, -powers.imag], axis=1), lag)


argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
import numpy as np  # after --help, which does without

real = powers_of(np.sqrt(np.linspace(0.8**2, 0.99**2, 32)))
print("steps ago  32 real  16 complex")
for lag in (1, 2, 5, 10):
    mean = np.mean([complex_error(lag, seed) for seed in range(10)])
    print(f"{lag:9}  {error(real, lag):7.2f}  {mean:10.2f}")
