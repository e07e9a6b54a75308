#!/usr/bin/env python3
"""Converts a PyTorch checkpoint of the published LRURec code to safetensors, for `lrurec import`.

    tools/pytorch_to_safetensors.py best_acc_model.pth -o weights.safetensors --max-length 200
    lrurec import weights.safetensors --data ml-1m.lrd -o run

Needs PyTorch and nothing else. The file is read with weights_only=True, so nothing in it is executed.
Exit codes: 0 ok, 1 no PyTorch, 2 usage, 4 a file that holds no LRURec weights, 5 input/output.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pickle
import re
import struct
import sys

WRAPPERS = ("model_state_dict", "state_dict", "model")  # where checkpoints keep the weights
EMBEDDING = "embedding.token.weight"
LAYER_NORM_EPS = 1e-5  # of torch.nn.LayerNorm, which the published code does not change


class BadFile(Exception):
    """The checkpoint is not what it should be."""


def load_weights(path: str) -> dict:
    """The state_dict of a checkpoint: name -> tensor on the CPU."""
    import torch

    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadFile(
            f"{path} holds more than weights, or is no PyTorch file; save model.state_dict() instead"
        ) from error
    except (RuntimeError, EOFError, KeyError, ValueError) as error:
        raise BadFile(f"{path} cannot be read as a PyTorch file: {str(error).splitlines()[0]}") from error
    for key in WRAPPERS:
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get(key), dict):
            checkpoint = checkpoint[key]
            break
    if not isinstance(checkpoint, dict):
        raise BadFile(f"{path} holds a {type(checkpoint).__name__}, not a dictionary of tensors")
    # DataParallel puts "module." before every name.
    weights = {str(name).removeprefix("module."): value for name, value in checkpoint.items()}
    for name, value in weights.items():
        if not isinstance(value, torch.Tensor):
            raise BadFile(f"{path}: '{name}' is a {type(value).__name__}, not a tensor")
    if EMBEDDING not in weights:
        names = ", ".join(sorted(weights)[:3])
        raise BadFile(f"{path} has no '{EMBEDDING}', so it is no LRURec model (its tensors: {names}, ...)")
    return weights


def describe(weights: dict, max_length: int | None) -> dict[str, str]:
    """Metadata of the file: what the names and shapes say, and what only the user knows."""
    classes, hidden = weights[EMBEDDING].shape
    blocks = {match[1] for name in weights if (match := re.match(r"model\.lru_blocks\.(\d+)\.", name))}
    metadata = {
        "hidden": str(hidden),
        "blocks": str(len(blocks)),
        "num_items": str(classes - 1),
        "layer_norm_eps": repr(LAYER_NORM_EPS),
    }
    if max_length is not None:
        metadata["max_len"] = str(max_length)
    return metadata


def storable(weights: dict, split: bool) -> dict:
    """Dense float32, float64 or complex64 tensors under the names they get in the file."""
    import torch

    result = {}
    for name, tensor in weights.items():
        tensor = tensor.detach().resolve_conj().resolve_neg()
        if tensor.is_complex():
            tensor = tensor.to(torch.complex64)
            if split:
                result[name + ".real"] = tensor.real.contiguous()
                result[name + ".imag"] = tensor.imag.contiguous()
                continue
        elif tensor.dtype != torch.float64:
            tensor = tensor.to(torch.float32)
        result[name] = tensor.contiguous()
    return result


def write_safetensors(path: str, tensors: dict, metadata: dict[str, str]) -> None:
    """Length of the header, the header as JSON, and the tensors' bytes in the order of their names."""
    import torch

    names = {torch.float32: "F32", torch.float64: "F64", torch.complex64: "C64"}
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.tmp.{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name in sorted(tensors):
                tensor = tensors[name]
                file.write(ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size()))
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help=".pth file of the published code, or of a state_dict")
    parser.add_argument("-o", "--output", required=True, help="safetensors file to write")
    parser.add_argument("--max-length", type=int, help="items of history the model was trained with, bert_max_len")
    parser.add_argument("--split", action="store_true", help="complex tensors as NAME.real and NAME.imag")
    options = parser.parse_args()
    if options.max_length is not None and options.max_length < 1:
        parser.error("--max-length must be 1 or more")
    try:
        import torch  # noqa: F401
    except ImportError:
        print("error: this needs PyTorch (https://pytorch.org); run it where that is installed", file=sys.stderr)
        return 1
    try:
        weights = load_weights(options.checkpoint)
        metadata = describe(weights, options.max_length)
        tensors = storable(weights, options.split)
        write_safetensors(options.output, tensors, metadata)
    except BadFile as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 5
    print(f"{options.output}: {len(tensors)} tensors; " + ", ".join(f"{k} {v}" for k, v in metadata.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
