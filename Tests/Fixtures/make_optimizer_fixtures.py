"""Writes optimizer.safetensors: updates of torch.optim, learning rates of MultiStepLR, and moving averages of torch.optim.swa_utils.

Run with: python make_optimizer_fixtures.py. Needs torch, numpy and safetensors. Values are computed in double precision and stored in
single precision. The tests state their tolerances.
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

from formula import shaped

FOLDER = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)

# Some parameters of ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]) with two outputs, by parts in the order of the forward pass.
PARTS = [
    {"conv1.weight": (4, 3, 7, 7), "bn1.weight": (4,), "bn1.bias": (4,)},
    {"layer1.0.conv1.weight": (4, 4, 3, 3), "layer1.0.bn2.bias": (4,)},
    {"layer2.0.conv2.weight": (4, 4, 3, 3)},
    {"layer3.0.downsample.0.weight": (8, 4, 1, 1)},
    {"layer4.0.bn2.weight": (8,)},
    {"fc.weight": (2, 8), "fc.bias": (2,)},
]
RATES = [0.1, 0.1, 0.05, 0.02, 0.02]
CASES = {
    "sgd": dict(kind=torch.optim.SGD, momentum=0.9, weight_decay=0.01),
    "sgd_nesterov_layers": dict(kind=torch.optim.SGD, momentum=0.8, nesterov=True, weight_decay=0.05, layer_decay=0.7, spares=True),
    "adamw": dict(kind=torch.optim.AdamW, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
    "adamw_layers": dict(kind=torch.optim.AdamW, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2, layer_decay=0.6, spares=True),
}


def optimizers(out):
    for case, options in CASES.items():
        options = dict(options)
        kind, decay, spares = options.pop("kind"), options.pop("layer_decay", 1), options.pop("spares", False)
        groups, parameters = [], {}
        for index, part in enumerate(PARTS):
            # timm's param_groups_layer_decay: layer_decay ** (layer_max - index).
            scale = decay ** (len(PARTS) - 1 - index)
            for name, shape in part.items():
                parameters[name] = torch.from_numpy(shaped(f"optimizer.{name}", *shape)).requires_grad_()
                group = {"params": [parameters[name]], "scale": scale}
                if spares and len(shape) == 1:
                    group["weight_decay"] = 0
                groups.append(group)
        optimizer = kind(groups, lr=1, **options)
        for step, rate in enumerate(RATES):
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            for name, parameter in parameters.items():
                parameter.grad = torch.from_numpy(shaped(f"optimizer.gradient{step}.{name}", *parameter.shape))
            optimizer.step()
        for name, parameter in parameters.items():
            out[f"{case}/{name}"] = parameter
            state = optimizer.state[parameter]
            if kind is torch.optim.AdamW:
                out[f"{case}/{name}.exp_avg"] = state["exp_avg"]
                out[f"{case}/{name}.exp_avg_sq"] = state["exp_avg_sq"]
            else:
                out[f"{case}/{name}.momentum"] = state["momentum_buffer"]


def milestones(out):
    """The rate of each epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 5, 6], gamma=0.3)
    rates = []
    for _ in range(9):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    out["milestones"] = torch.tensor(rates)


def averages(out):
    """Averages with running statistics (use_buffers), and TensorFlow's warm-up of the decay, after each of 30 steps."""
    network = torch.nn.Module()
    network.weight = torch.nn.Parameter(torch.zeros(5))
    network.register_buffer("statistic", torch.zeros(5))
    average = torch.optim.swa_utils.AveragedModel(
        network, use_buffers=True, avg_fn=lambda old, new, n: torch.lerp(new, old, min(0.6, (1 + int(n)) / (10 + int(n)))))
    weights, statistics = [], []
    for step in range(30):
        with torch.no_grad():
            network.weight.copy_(torch.from_numpy(shaped(f"average.weight{step}", 5)))
            network.statistic.copy_(torch.from_numpy(shaped(f"average.statistic{step}", 5)))
        average.update_parameters(network)
        weights.append(average.module.weight.detach().clone())
        statistics.append(average.module.statistic.clone())
    out["averages.weight"], out["averages.statistic"] = torch.stack(weights), torch.stack(statistics)


if __name__ == "__main__":
    out = {}
    optimizers(out)
    milestones(out)
    averages(out)
    save_file(
        {k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in out.items()}, FOLDER / "optimizer.safetensors")
