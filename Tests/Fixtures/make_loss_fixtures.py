"""Writes losses.safetensors and step_losses.safetensors: classification losses with mixed labels, label smoothing, class weights and a
teacher, and whole steps with them.

Run with: python make_loss_fixtures.py. Needs torch, numpy and safetensors. Values are computed in double precision and stored in single
precision.
"""
import torch
import torch.nn.functional as F

from drnet_reference import Head, Network, cascade_step, classification_loss, regression_step, resize, step, warm_up
from make_fixtures import CASES, COMMON, save, tensor


def mixed_targets(labels, partners, shares, classes):
    """Returns the probabilities (1 - share) onehot(label) + share onehot(partner)."""
    shares = shares[:, None]
    return (1 - shares) * F.one_hot(labels, classes) + shares * F.one_hot(partners, classes)


def losses():
    """Five images, six classes. LossFixtureTests has the same labels, shares and weights."""
    labels, partners = torch.arange(5), torch.tensor([3, 3, 2, 0, 5])
    targets = mixed_targets(labels, partners, torch.tensor([0.0, 0.25, 0.4, 0.75, 1.0]), 6)
    out = {}
    for smoothing in (0.0, 0.1):
        for weighted in (False, True):
            x = (tensor("entropy.logits", 5, 6) * 4).requires_grad_()
            weight = 1.5 + tensor("entropy.weights", 6) if weighted else None
            loss = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing, reduction="none")(x, targets)
            loss.sum().backward()
            name = f"mixed{smoothing}{'.weighted' if weighted else ''}"
            out |= {f"{name}.loss": loss, f"{name}.gradient": x.grad}
            # Images with one label: PyTorch's other implementation, for class indices.
            x = (tensor("entropy.logits", 5, 6) * 4).requires_grad_()
            loss = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing, reduction="none")(x, labels)
            loss.sum().backward()
            name = name.replace("mixed", "plain")
            out |= {f"{name}.loss": loss, f"{name}.gradient": x.grad}
    case = {"targets": targets, "class_weights": 1.5 + tensor("entropy.weights", 6), "label_smoothing": 0.1}
    for alpha, t in ((0.5, 4.0), (1.0, 1.0)):
        x = (tensor("entropy.logits", 5, 6) * 4).requires_grad_()
        case |= {"teacher_scores": tensor("entropy.teacher", 5, 6) * 4, "teacher_weight": alpha, "teacher_temperature": t}
        loss = classification_loss(case, labels)(x, torch.arange(5))
        loss.sum().backward()
        out |= {f"teacher{alpha}.loss": loss, f"teacher{alpha}.gradient": x.grad}
    save("losses.safetensors", out)


def some(network):
    """About ten elements of the gradient of every parameter, in the order of the parameters' names."""
    named = sorted((network.file_name(key), parameter) for key, parameter in network.named_parameters())
    return torch.cat([parameter.grad.reshape(-1)[:: max(1, parameter.numel() // 10)] for _, parameter in named])


def steps():
    """Steps of every estimator, and warm-up with in-place distillation, with mixed labels and class weights; then with a teacher, too."""
    case = COMMON | CASES["step_resnet18"]
    m, n, classes, size = len(case["resolutions"]), case["images"], case["classes"], case["resolutions"][0]
    images = image_batch(n, size)
    labels = torch.arange(n) * 3 % classes
    case |= {
        "targets": mixed_targets(labels, torch.arange(n) * 2 % classes, torch.arange(n) / (n - 1), classes),
        "class_weights": 1.5 + tensor("class_weights", classes),
    }
    noise = 0.3 * tensor("noise", n, m) + 3 * F.one_hot(torch.arange(n) % m, m)
    estimators = ("straight-through", "dense", "expected", "expected-all", "probe", "regression", "cascade", "warm-up")
    out = {}
    for estimator in (*estimators, *(f"{name}, teacher" for name in estimators)):
        if estimator.endswith("teacher") and "teacher_scores" not in case:
            teacher = Network(case["bottleneck"], case["blocks"], case["stem"], case["widths"], classes, None)
            teacher.fill("teacher.")
            with torch.no_grad():
                scores = teacher.eval()(resize(images, 64))
            case |= {"teacher_scores": scores, "teacher_weight": 0.4, "teacher_temperature": 3.0}
            out["teacher"] = scores
        classifier = Network(case["bottleneck"], case["blocks"], case["stem"], case["widths"], classes, m)
        widths = case["predictor_widths"]
        method = estimator.split(",")[0]
        classifier.fill("classifier.")
        if method == "cascade":
            predictor = Head(case["widths"][-1] + classes, 7, m)
            predictor.fill("head.")
        else:
            predictor = Network(False, [1, 1, 1, 1], widths[0], widths[1:], m, None)
            predictor.fill("predictor.")
        if method == "warm-up":
            result = warm_up(classifier, case, images, labels, distillation_weight=1.5)
            out[f"{estimator}/distillation"] = result["distillation"].reshape(-1)
        else:
            if method == "regression":
                result = regression_step(classifier, predictor, case, images, labels)
            elif method == "cascade":
                result = cascade_step(classifier, predictor, case, images, labels, noise)
            else:
                result = step(classifier, predictor, case, images, labels, noise, torch.arange(n) // m % (m - 1), method)
            out[f"{estimator}/predictor"] = some(predictor)
        out |= {f"{estimator}/loss": result["loss"].reshape(-1), f"{estimator}/classifier": some(classifier)}
    save("step_losses.safetensors", out)


def image_batch(count, size):
    return tensor("images", count, size, size, 3).permute(0, 3, 1, 2).contiguous()


if __name__ == "__main__":
    losses()
    steps()
