"""Writes the fixtures of this folder: layers.safetensors, step_*.safetensors, warm_up_resnet18.safetensors, mobilenet.safetensors and
torchvision.json.

Run with: python make_fixtures.py. Needs torch, torchvision, numpy and safetensors. Images are NHWC; parameters have PyTorch's layouts.
Values are computed in double precision and stored in single precision. The tests state their tolerances.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from safetensors.numpy import save_file

from drnet_reference import Head, Network, cascade_step, regression_step, step, warm_up
from formula import formula, shaped

FOLDER = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)


def tensor(name, *shape):
    return torch.from_numpy(shaped(name, *shape))


def image(name, n, h, w, c):
    """Returns an NHWC image of the formula, transposed to NCHW."""
    return tensor(name, n, h, w, c).permute(0, 3, 1, 2).contiguous().requires_grad_()


def nhwc(x):
    return x.detach().permute(0, 2, 3, 1).contiguous()


def save(path, tensors):
    save_file({k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in tensors.items()}, FOLDER / path)


# name: batch, height, width, inputs, outputs, kernel, stride, depthwise. LayerFixtureTests has the same table.
CONVOLUTIONS = {
    "stem": (2, 15, 13, 3, 8, 7, 2, False),
    "conv3": (2, 9, 8, 5, 7, 3, 1, False),
    "conv3s2": (3, 9, 9, 6, 4, 3, 2, False),
    "conv1": (2, 7, 5, 8, 6, 1, 1, False),
    "conv1s2": (2, 7, 7, 8, 6, 1, 2, False),
    "depthwise": (2, 9, 7, 6, 6, 3, 1, True),
    "depthwise_s2": (2, 9, 8, 6, 6, 3, 2, True),
}


def layers():
    out = {}
    for name, (n, h, w, a, b, kernel, stride, depthwise) in CONVOLUTIONS.items():
        x = image(f"{name}.input", n, h, w, a)
        weight = tensor(f"{name}.weight", b, 1 if depthwise else a, kernel, kernel).requires_grad_()
        y = F.conv2d(x, weight, None, stride, (kernel - 1) // 2, groups=a if depthwise else 1)
        y.backward(image(f"{name}.gradient", n, y.shape[2], y.shape[3], b).detach())
        out |= {f"{name}.output": nhwc(y), f"{name}.input_gradient": nhwc(x.grad), f"{name}.weight_gradient": weight.grad}
    for name, activation in {"none": lambda x: x, "relu": F.relu, "relu6": F.relu6}.items():
        x, r = image(f"bn_{name}.input", 3, 4, 5, 6), image(f"bn_{name}.residual", 3, 4, 5, 6)
        norm = torch.nn.BatchNorm2d(6)
        with torch.no_grad():
            norm.weight.copy_(2 + tensor(f"bn_{name}.weight", 6))
            norm.bias.copy_(tensor(f"bn_{name}.bias", 6))
        y = activation(norm(x * 3) + r * 2)
        y.backward(image(f"bn_{name}.gradient", 3, 4, 5, 6).detach())
        out |= {
            f"bn_{name}.output": nhwc(y), f"bn_{name}.input_gradient": nhwc(x.grad / 3), f"bn_{name}.residual_gradient": nhwc(r.grad / 2),
            f"bn_{name}.weight_gradient": norm.weight.grad, f"bn_{name}.bias_gradient": norm.bias.grad,
            f"bn_{name}.running_mean": norm.running_mean, f"bn_{name}.running_var": norm.running_var,
        }
        norm.eval()
        out[f"bn_{name}.evaluation"] = nhwc(activation(norm(x * 3) + r * 2))
    x = image("maxpool.input", 2, 9, 8, 5)
    y = F.max_pool2d(x, 3, 2, 1)
    y.backward(image("maxpool.gradient", *nhwc(y).shape).detach())
    out |= {"maxpool.output": nhwc(y), "maxpool.input_gradient": nhwc(x.grad)}
    x = image("avgpool.input", 2, 3, 4, 5)
    y = x.mean((2, 3))
    y.backward(tensor("avgpool.gradient", 2, 5))
    out |= {"avgpool.output": y, "avgpool.input_gradient": nhwc(x.grad)}
    x = tensor("linear.input", 3, 7).requires_grad_()
    weight, bias = tensor("linear.weight", 4, 7).requires_grad_(), tensor("linear.bias", 4).requires_grad_()
    y = F.linear(x, weight, bias)
    y.backward(tensor("linear.gradient", 3, 4))
    out |= {"linear.output": y, "linear.input_gradient": x.grad, "linear.weight_gradient": weight.grad, "linear.bias_gradient": bias.grad}
    for smoothing in (0.0, 0.1):
        x = (tensor("entropy.logits", 5, 6) * 4).requires_grad_()
        loss = F.cross_entropy(x, torch.arange(5), label_smoothing=smoothing, reduction="none")
        loss.sum().backward()
        out |= {f"entropy{smoothing}.loss": loss, f"entropy{smoothing}.gradient": x.grad}
    for nesterov in (False, True):
        w = tensor("sgd.weight", 37).requires_grad_()
        optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=nesterov)
        for number in range(3):
            w.grad = tensor(f"sgd.gradient{number}", 37)
            optimizer.step()
        out[f"sgd.nesterov_{str(nesterov).lower()}"] = w
    for a, b in ((40, 24), (24, 40), (30, 30), (64, 48), (53, 17)):
        x = image("resize.input", 1, a, a + 3, 3).detach()
        out[f"resize_{a}_{b}"] = nhwc(F.interpolate(x, (b, b + 1), mode="bilinear", antialias=True, align_corners=False))
    save("layers.safetensors", out)


CASES = {
    "step_resnet18": dict(bottleneck=False, blocks=[2, 2, 2, 2], stem=6, widths=[6, 8, 12, 16], resolutions=[96, 64, 48]),
    "step_bottleneck": dict(bottleneck=True, blocks=[2, 2, 2, 2], stem=6, widths=[3, 4, 5, 6], resolutions=[80, 64]),
}
COMMON = dict(classes=5, images=9, predictor_input=40, predictor_widths=[4, 4, 6, 8, 10], temperature=0.7, flops_weight=0.8,
              flops_target=0.3, label_smoothing=0.1)


def steps():
    for name, shape in CASES.items():
        case = COMMON | shape
        m, n = len(case["resolutions"]), case["images"]
        size = case["resolutions"][0]
        out = {}
        for estimator in ("straight-through", "dense", "expected", "expected-all", "probe", "regression"):
            classifier = Network(case["bottleneck"], case["blocks"], case["stem"], case["widths"], case["classes"], m)
            widths = case["predictor_widths"]
            predictor = Network(False, [1, 1, 1, 1], widths[0], widths[1:], m, None)
            classifier.fill("classifier.")
            predictor.fill("predictor.")
            images = image("images", n, size, size, 3).detach()
            labels = torch.arange(n) * 3 % case["classes"]
            # The noise sends images to every resolution, far from ties.
            noise = 0.3 * tensor("noise", n, m) + 3 * F.one_hot(torch.arange(n) % m, m)
            # For each image, the index of the probed resolution among those that were not chosen.
            draws = torch.arange(n) // m % (m - 1)
            if estimator == "regression":
                result = regression_step(classifier, predictor, case, images, labels)
            else:
                result = step(classifier, predictor, case, images, labels, noise, draws, estimator)
                assert len(set(result["choices"].tolist())) == m, "every resolution is to be used"
            out |= {f"{estimator}/{k}": v.reshape(-1) for k, v in result.items()}
            for prefix, network in (("classifier", classifier), ("predictor", predictor)):
                for key, parameter in network.named_parameters():
                    gradient = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
                    out[f"{estimator}/{prefix}.{network.file_name(key)}"] = gradient
                for key, buffer in network.named_buffers():
                    if "num_batches" not in key:
                        out[f"{estimator}/{prefix}.{network.file_name(key)}"] = buffer
        # All estimators but dense have the classifier gradients of the routed sub-batches. All but dense and expected-all keep their
        # statistics. Equal tensors are stored once.
        repeated = ("expected/classifier.", "expected-all/classifier.", "probe/classifier.")
        for key in [k for k in out if k.startswith(repeated)]:
            original = out["straight-through/" + key.split("/", 1)[1]]
            if "running_" not in key or not key.startswith("expected-all"):
                assert torch.allclose(out[key], original, rtol=1e-9, atol=1e-12), key
                del out[key]
        # The predictor's statistics are the same for all estimators.
        for key in [k for k in out if "/predictor." in k and "running_" in k and not k.startswith("straight-through/")]:
            assert torch.equal(out.pop(key), out["straight-through/" + key.split("/", 1)[1]]), key
        save(f"{name}.safetensors", out)


def cascades():
    case = COMMON | CASES["step_resnet18"]
    m, n, size = len(case["resolutions"]), case["images"], case["resolutions"][0]
    classifier = Network(case["bottleneck"], case["blocks"], case["stem"], case["widths"], case["classes"], m)
    head = Head(case["widths"][-1] + case["classes"], 7, m)
    classifier.fill("classifier.")
    head.fill("head.")
    noise = 0.3 * tensor("noise", n, m) + 3 * F.one_hot(torch.arange(n) % m, m)
    out = cascade_step(
        classifier, head, case, image("images", n, size, size, 3).detach(), torch.arange(n) * 3 % case["classes"], noise)
    assert len(set(out["choices"].tolist())) == m, "every resolution is to be used"
    out = {key: value.reshape(-1) for key, value in out.items()}
    for prefix, network in (("classifier", classifier), ("predictor", head)):
        out |= {f"{prefix}.{network.file_name(key)}": parameter.grad for key, parameter in network.named_parameters()}
    out |= {f"classifier.{classifier.file_name(key)}": b for key, b in classifier.named_buffers() if "num_batches" not in key}
    save("step_cascade.safetensors", out)


def warm_ups():
    case = COMMON | CASES["step_resnet18"]
    size = case["resolutions"][0]
    classifier = Network(case["bottleneck"], case["blocks"], case["stem"], case["widths"], case["classes"], len(case["resolutions"]))
    classifier.fill("classifier.")
    images = image("images", case["images"], size, size, 3).detach()
    out = warm_up(classifier, case, images, torch.arange(case["images"]) * 3 % case["classes"], distillation_weight=1.5)
    out = {key: value.reshape(-1) for key, value in out.items()}
    out |= {f"classifier.{classifier.file_name(key)}": parameter.grad for key, parameter in classifier.named_parameters()}
    save("warm_up_resnet18.safetensors", out)


def mobilenet():
    """Writes logits of torchvision's MobileNetV2, and about forty elements of the gradient of every parameter."""
    network = torchvision.models.mobilenet_v2(width_mult=0.25, num_classes=5, dropout=0).double().train()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            values = torch.from_numpy(formula("mobilenet." + name, parameter.numel())).reshape(parameter.shape)
            if parameter.dim() > 1:
                values = values * (3.0 / parameter[0].numel()) ** 0.5
            parameter.copy_((0.1 * values if name.endswith("bias") else values if parameter.dim() > 1 else 1 + 0.25 * values).float())
    logits = network(image("images", 4, 64, 64, 3).detach())
    logits.backward(tensor("mobilenet.gradient", 4, 5))
    out = {"logits": logits}
    for name, parameter in network.named_parameters():
        flat = parameter.grad.reshape(-1)
        out[name] = flat[:: max(1, len(flat) // 40)]
    save("mobilenet.safetensors", out)


ZOO = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0",
    "efficientnet_b1", "efficientnet_b2", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3",
)
# The networks whose tensors are listed.
LISTED = (
    "resnet18", "resnet50", "mobilenet_v2", "resnext50_32x4d", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b1",
    "mnasnet1_0",
)


def zoo():
    """Writes torchvision's parameter names, shapes and multiply-adds."""
    out = {}
    for name in ZOO:
        network = getattr(torchvision.models, name)().eval()
        total = {}
        for size in (224, 168, 112):
            count = 0

            def add(layer, _, output):
                nonlocal count
                count += output.numel() * layer.weight[0].numel()

            hooks = [l.register_forward_hook(add) for l in network.modules() if isinstance(l, (torch.nn.Conv2d, torch.nn.Linear))]
            with torch.inference_mode():
                network(torch.zeros(1, 3, size, size))
            for hook in hooks:
                hook.remove()
            total[str(size)] = count
        shapes = {k: list(v.shape) for k, v in network.state_dict().items() if "num_batches" not in k}
        digest = "\n".join(f"{k} {v}" for k, v in sorted(shapes.items()))
        tensors = digest if name in LISTED else None
        out[name] = {"multiply_adds": total, "parameters": sum(p.numel() for p in network.parameters()), "tensors": tensors}
    (FOLDER / "torchvision.json").write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    layers()
    steps()
    cascades()
    warm_ups()
    mobilenet()
    zoo()
    (FOLDER / "formula.json").write_text(json.dumps({"name": "probe", "values": formula("probe", 5).tolist()}))
