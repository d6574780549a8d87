"""Writes the folder pytorch: small checkpoints of torch.save, and the values that their tensors have.

Run with: python make_pytorch_fixtures.py. Needs torch and numpy.
"""
import argparse
import collections
import json
import pathlib

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent / "pytorch"


def tensors():
    """Returns tensors of all kinds that a state dict can have."""
    base = torch.arange(24, dtype=torch.float32) / 8 - 1
    shared = torch.arange(10, dtype=torch.float32)
    out = collections.OrderedDict()
    out["float32"] = base.reshape(2, 3, 4)
    out["float64"] = base.double()[:5]
    out["float16"] = base.half().reshape(4, 6)
    out["bfloat16"] = base.bfloat16()
    out["int64"] = torch.tensor([-3, 0, 5])
    out["int32"] = torch.tensor([-3, 7], dtype=torch.int32)
    out["uint8"] = torch.tensor([0, 255], dtype=torch.uint8)
    out["transposed"] = base.reshape(4, 6).t()
    out["channels_last"] = base.reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    out["shared.first"] = shared[:4]
    out["shared.slice"] = shared[3:9:2]
    out["scalar"] = torch.tensor(2.5)
    out["empty"] = torch.zeros(0, 3)
    out["parameter"] = torch.nn.Parameter(torch.tensor([1.5, -2.0]))
    return out


def checkpoint():
    """Returns what a training script saves: weights, averages, the state of an optimiser and options."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) + number)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    state = network.state_dict()
    return {
        "epoch": 3, "arch": "tiny", "best": 71.25, "done": False, "note": None, "sizes": (2, 3), "state_dict": state,
        "state_dict_ema": {k: v.clone() for k, v in state.items()}, "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, device=torch.device("cpu"), dtype=torch.float16), "large": 1 << 100,
        "list": [torch.ones(2), {"x": torch.zeros(1)}],
    }


class Model(torch.nn.Module):
    def forward(self, x):
        return x


def values(data, prefix=""):
    """Returns shapes and values of all tensors, by their paths."""
    if torch.is_tensor(data):
        return {prefix[:-1]: {"shape": list(data.shape), "values": data.detach().double().reshape(-1).tolist()}}
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, (list, tuple)) else []
    items = vars(data).items() if isinstance(data, argparse.Namespace) else items
    return {k: v for name, value in items for k, v in values(value, f"{prefix}{name}.").items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(1)
    for protocol in (2, 4, 5):
        torch.save(tensors(), FOLDER / f"tensors-{protocol}.pth", pickle_protocol=protocol)
    saved = checkpoint()
    torch.save(saved, FOLDER / "checkpoint.pth")
    (FOLDER / "values.json").write_text(json.dumps({"tensors": values(tensors()), "checkpoint": values(saved)}, indent=0))
    torch.save(torch.nn.Linear(1, 1), FOLDER / "module.pth")
    torch.save({"state_dict": {}, "best": np.float64(1.5)}, FOLDER / "numpy.pth")
    torch.save({"x": torch.ones(2).to_sparse()}, FOLDER / "sparse.pth")
    torch.save({"x": torch.ones(1).expand(1000)}, FOLDER / "expanded.pth")
    torch.save({"x": torch.ones(2, dtype=torch.complex64)}, FOLDER / "complex.pth")
    torch.save({"x": torch.ones(2)}, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), FOLDER / "script.pt")
