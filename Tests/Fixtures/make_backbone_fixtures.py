"""Writes backbone_layers.safetensors, resnext.safetensors, mobilenet_v3.safetensors, efficientnet.safetensors, mnasnet.safetensors,
autocast.json and timm.json.

Run with: python make_backbone_fixtures.py. Needs torch, torchvision, timm, numpy and safetensors. See make_fixtures.py for the conventions.
"""
import functools
import json

import timm
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.efficientnet import EfficientNet, MBConvConfig
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops.misc import SqueezeExcitation

from formula import formula
from make_fixtures import FOLDER, image, nhwc, save, tensor

# name: batch, height, width, inputs, outputs, kernel, stride, groups. BackboneLayerTests has the same table.
CONVOLUTIONS = {
    "grouped": (2, 9, 8, 12, 24, 3, 1, 3),
    "grouped_s2": (3, 9, 9, 32, 32, 3, 2, 8),
    "grouped_wide": (2, 7, 5, 64, 64, 3, 1, 2),
    "grouped_1x1": (2, 5, 4, 12, 8, 1, 1, 4),
    "depthwise_5x5": (2, 9, 7, 6, 6, 5, 1, 6),
    "depthwise_5x5_s2": (2, 9, 8, 6, 6, 5, 2, 6),
}


def layers():
    out = {}
    for name, (n, h, w, a, b, kernel, stride, groups) in CONVOLUTIONS.items():
        x = image(f"{name}.input", n, h, w, a)
        weight = tensor(f"{name}.weight", b, a // groups, kernel, kernel).requires_grad_()
        y = F.conv2d(x, weight, None, stride, (kernel - 1) // 2, groups=groups)
        y.backward(image(f"{name}.gradient", n, y.shape[2], y.shape[3], b).detach())
        out |= {f"{name}.output": nhwc(y), f"{name}.input_gradient": nhwc(x.grad), f"{name}.weight_gradient": weight.grad}
    for name, activation in {"silu": F.silu, "hard_swish": F.hardswish}.items():
        x = image(f"bn_{name}.input", 3, 4, 5, 6)
        norm = torch.nn.BatchNorm2d(6)
        with torch.no_grad():
            norm.weight.copy_(2 + tensor(f"bn_{name}.weight", 6))
            norm.bias.copy_(tensor(f"bn_{name}.bias", 6))
        y = activation(norm(x * 3))
        y.backward(image(f"bn_{name}.gradient", 3, 4, 5, 6).detach())
        out |= {
            f"bn_{name}.output": nhwc(y), f"bn_{name}.input_gradient": nhwc(x.grad / 3),
            f"bn_{name}.weight_gradient": norm.weight.grad, f"bn_{name}.bias_gradient": norm.bias.grad,
        }
        norm.eval()
        out[f"bn_{name}.evaluation"] = nhwc(activation(norm(x * 3)))
    gates = {"squeeze_silu": (torch.nn.SiLU, torch.nn.Sigmoid), "squeeze_relu": (torch.nn.ReLU, torch.nn.Hardsigmoid)}
    for name, (activation, gate) in gates.items():
        layer = SqueezeExcitation(8, 5, activation, gate)
        with torch.no_grad():
            for key, parameter in layer.named_parameters():
                parameter.copy_(tensor(f"{name}.{key}", *parameter.shape))
        x = image(f"{name}.input", 3, 4, 5, 8)
        y = layer(x * 4)
        y.backward(image(f"{name}.gradient", 3, 4, 5, 8).detach())
        out |= {f"{name}.output": nhwc(y), f"{name}.input_gradient": nhwc(x.grad / 4)}
        out |= {f"{name}.{key}": parameter.grad for key, parameter in layer.named_parameters()}
    save("backbone_layers.safetensors", out)


def step(name, network, autocast=False):
    """Returns logits of a network, and about twenty elements of the gradient of every parameter."""
    network.train()
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            values = torch.from_numpy(formula(f"{name}." + key, parameter.numel())).reshape(parameter.shape)
            if parameter.dim() > 1:
                values = values * (3.0 / parameter[0].numel()) ** 0.5
            parameter.copy_((0.1 * values if key.endswith("bias") else values if parameter.dim() > 1 else 1 + 0.25 * values).float())
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        logits = network(image("images", 4, 64, 64, 3).detach().to(next(network.parameters()).dtype))
    logits.backward(tensor(f"{name}.gradient", 4, 5).to(logits.dtype))
    out = {"logits": logits}
    for key, parameter in network.named_parameters():
        flat = parameter.grad.reshape(-1)
        out[key] = flat[:: max(1, len(flat) // 20)]
    return out


def autocast(name, network, exact):
    """Returns the errors of PyTorch's autocast, relative to double precision."""
    rounded = step(name, network.float(), autocast=True)

    def error(keys):
        values, expected = (torch.cat([part[key].detach().double().reshape(-1) for key in keys]) for part in (rounded, exact))
        return float((values - expected).norm() / expected.norm())

    return {"logits": error(["logits"]), "gradients": error([key for key in exact if key not in ("logits", "evaluation")])}


def network(name, network):
    """Writes a step of a network, and its logits in evaluation. Returns them."""
    network = network.double()
    out = step(name, network)
    network.eval()
    with torch.no_grad():
        out["evaluation"] = network(image("images", 4, 64, 64, 3).detach())
    save(f"{name}.safetensors", out)
    return out


def efficientnet():
    scaled = functools.partial(MBConvConfig, width_mult=0.25, depth_mult=0.5)
    stages = [
        scaled(1, 3, 1, 32, 16, 1), scaled(6, 3, 2, 16, 24, 2), scaled(6, 5, 2, 24, 40, 2), scaled(6, 3, 2, 40, 80, 3),
        scaled(6, 5, 1, 80, 112, 3), scaled(6, 5, 2, 112, 192, 4), scaled(6, 3, 1, 192, 320, 1),
    ]
    return EfficientNet(stages, dropout=0, stochastic_depth_prob=0, num_classes=5)


def timm_names():
    """Writes timm's parameter names and shapes, by torchvision's names of the networks."""
    out = {}
    for name, other in {
        "mobilenet_v2": "mobilenetv2_100", "mobilenet_v3_large": "mobilenetv3_large_100", "mobilenet_v3_small": "mobilenetv3_small_100",
        "efficientnet_b0": "efficientnet_b0", "efficientnet_b2": "efficientnet_b2",
    }.items():
        state = timm.create_model(other).state_dict()
        out[name] = "\n".join(sorted(f"{k} {list(v.shape)}" for k, v in state.items() if "num_batches" not in k))
    (FOLDER / "timm.json").write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    layers()
    networks = {
        "resnext": lambda: ResNet(Bottleneck, [1, 1, 1, 1], groups=32, width_per_group=4, num_classes=5),
        "mobilenet_v3": lambda: torchvision.models.mobilenet_v3_small(width_mult=0.25, num_classes=5, dropout=0),
        "efficientnet": efficientnet, "mnasnet": lambda: torchvision.models.MNASNet(0.25, num_classes=5, dropout=0),
    }
    errors = {name: autocast(name, make(), network(name, make())) for name, make in networks.items()}
    (FOLDER / "autocast.json").write_text(json.dumps(errors, indent=1))
    timm_names()
