"""Reading and writing safetensors files with numpy alone."""

import json
import struct

import numpy as np

_DTYPES = {"F32": np.float32, "F64": np.float64, "C64": np.complex64, "I64": np.int64}


def read(path: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All tensors and the metadata of a file."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], dtype=_DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def write(path: str, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes tensors (in the order of their names) and metadata."""
    names = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
    header: dict[str, object] = {"__metadata__": metadata}
    data = b""
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name])
        header[name] = {
            "dtype": names[values.dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [len(data), len(data) + values.nbytes],
        }
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
