"""SASRec text (`user item` a line) to the training batches of `lrurec train`: same windows, same order.

A batch exists in two forms: padded on the left to [B, L], as the published model reads it, and packed without
padding, tokens sorted by their place in the sequence (see Packed).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

START = 0  # the padding item; in a packed batch the start token


class DataError(Exception):
    """What is wrong with a file, in one sentence."""


@dataclass(frozen=True)
class Dataset:
    """Training items of every user, ids 1..num_items; validation and test items are cut off."""

    train: list[np.ndarray]
    num_items: int


def read_sasrec(path: str | Path) -> Dataset:
    """Drops a row equal to the one before it, numbers users and items in the order of their ids (items from
    1) and keeps all but the last two items of users who have at least three."""
    try:
        with open(path, encoding="utf-8") as file, warnings.catch_warnings(action="ignore"):
            rows = np.loadtxt(file, dtype=np.int64, comments=None, ndmin=2)  # warns of an empty file
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        rows = np.empty((0, 2))
    if rows.size == 0 or rows.shape[1] != 2:
        raise DataError(f"{path} is not SASRec text: every line must be two whole numbers, user and item")
    repeated = np.zeros(len(rows), dtype=bool)
    repeated[1:] = (rows[1:] == rows[:-1]).all(1)
    users, items = rows[~repeated].T
    user_of_row = np.unique(users, return_inverse=True)[1]
    names, item_of_row = np.unique(items, return_inverse=True)
    order = np.argsort(user_of_row, kind="stable")
    ends = np.cumsum(np.bincount(user_of_row))[:-1]
    sequences = np.split(item_of_row[order] + 1, ends)
    return Dataset([s[:-2] if len(s) >= 3 else s for s in sequences], len(names))


def training_windows(data: Dataset, max_length: int) -> list[np.ndarray]:
    """Fewer than 2 L items are one window; more give windows of L, counted from the end, the head dropped."""
    windows = []
    for items in data.train:
        if len(items) < 2 * max_length:
            windows.append(items)
        else:
            for end in range(len(items), max_length - 1, -max_length):
                windows.append(items[end - max_length : end])
    return windows


def philox(seed: int, stream: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two words of Philox4x32-10 for every counter in `index` (tensor/random.h)."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    index = index.astype(np.uint64)
    c0, c1 = index & low, index >> half
    c2 = np.full_like(index, stream & 0xFFFFFFFF)
    c3 = np.full_like(index, stream >> 32)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & low
        c2, c3 = (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Fisher-Yates: i swaps with floor(bits_i (i + 1) / 2^64), bits_i from Philox(seed, 2^63 + epoch)."""
    place = np.arange(count, dtype=np.uint64)
    high, low = philox(seed, (1 << 63) + epoch, place)
    bound, half = place + np.uint64(1), np.uint64(32)
    partner = (high * bound + (low * bound >> half)) >> half
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        j = int(partner[i])
        order[i], order[j] = order[j], order[i]
    return np.array(order)


class Batcher:
    """Batch `step` of training; the last batch of an epoch may be smaller."""

    def __init__(self, data: Dataset, max_length: int, batch_size: int, seed: int = 1):
        self.windows = training_windows(data, max_length)
        if not self.windows:
            raise DataError("the data set has no training item")
        self.max_length, self.batch_size, self.seed = max_length, batch_size, seed
        self.steps_per_epoch = -(-len(self.windows) // batch_size)
        self._epoch, self._order = -1, np.empty(0)

    def windows_of(self, step: int) -> list[np.ndarray]:
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, epoch_order(len(self.windows), self.seed, epoch)
        first = index * self.batch_size
        return [self.windows[i] for i in self._order[first : first + self.batch_size]]

    def padded(self, step: int) -> tuple[Tensor, Tensor]:
        return pad(self.windows_of(step), self.max_length)

    def packed(self, step: int) -> Packed:
        return pack(*self.padded(step))


def pad(windows: list[np.ndarray], max_length: int) -> tuple[Tensor, Tensor]:
    """(items, labels), both int64 [B, L], padded on the left with 0.

    Labels are the last L items of a window, inputs the last L of the window without its last item. So a
    window of at most L items has one label more than inputs: its first item, predicted from padding.
    """
    items = np.zeros((len(windows), max_length), dtype=np.int64)
    labels = np.zeros_like(items)
    for row, window in enumerate(windows):
        inputs, targets = window[:-1][-max_length:], window[-max_length:]
        items[row, max_length - len(inputs) :] = inputs
        labels[row, max_length - len(targets) :] = targets
    return torch.from_numpy(items), torch.from_numpy(labels)


@dataclass(frozen=True)
class Packed:
    """Tokens without padding, time by time: segments sorted by length, longest first, then all first tokens,
    all second tokens, ... Token (t, j) is row sum(sizes[:t]) + j, the token before it row sum(sizes[:t-1]) +
    j, and only the first sizes[t] segments are that long. A start token is a segment of its own.
    """

    items: Tensor  # int64 [T]
    labels: Tensor  # int64 [T], 1..num_items
    sizes: list[int]  # segments with more than t tokens
    place: Tensor  # int64 [T], row b L + l in the padded batch


def pack(items: Tensor, labels: Tensor) -> Packed:
    """Every labelled position of a padded batch [B, L]."""
    batch, length = items.shape
    lengths = (items > 0).sum(1).numpy()
    segments = [(row * length + length - n, n) for row, n in enumerate(lengths) if n > 0]
    starts = ((items == START) & (labels > 0)).flatten().nonzero().flatten().tolist()
    segments = sorted(segments + [(place, 1) for place in starts], key=lambda segment: -segment[1])
    first = np.array([place for place, _ in segments])
    descending = np.array([n for _, n in segments])
    sizes = [int((descending > t).sum()) for t in range(descending[0])]
    place = torch.from_numpy(np.concatenate([first[:n] + t for t, n in enumerate(sizes)]))
    packed = Packed(items.flatten()[place], labels.flatten()[place], sizes, place)
    if not bool((packed.labels > 0).all()):
        raise DataError("the batch has an item without a label")
    return packed
