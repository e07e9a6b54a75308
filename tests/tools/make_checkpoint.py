"""Turns a safetensors file into PyTorch checkpoints as they are met: make_checkpoint.py FILE FOLDER."""

import json
import struct
import sys

import torch

with open(sys.argv[1], "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(size))
    data = bytearray(file.read())
header.pop("__metadata__")
dtypes = {"F32": torch.float32, "C64": torch.complex64}
weights = {}
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    weights[name] = torch.frombuffer(data[begin:end], dtype=dtypes[entry["dtype"]]).reshape(entry["shape"])

folder = sys.argv[2]
torch.save(weights, f"{folder}/plain.pth")
torch.save({"model_state_dict": weights, "optimizer_state_dict": {"state": {}}}, f"{folder}/published.pth")
torch.save({"module." + name: tensor for name, tensor in weights.items()}, f"{folder}/parallel.pth")
# Views: other strides, and a conjugate that is only marked as one.
views = {name: t.t().contiguous().t() if t.dim() == 2 else t for name, t in weights.items()}
views = {name: t.conj().resolve_conj().conj() if t.is_complex() else t for name, t in views.items()}
torch.save(views, f"{folder}/views.pth")
torch.save({"a.weight": torch.zeros(2)}, f"{folder}/other.pth")
torch.save(torch.nn.Linear(2, 2), f"{folder}/module.pth")
