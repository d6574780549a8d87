"""A dynamic resolution network in PyTorch, written for speed: channels-last, a batch norm per resolution, and each image classified at its
own resolution only. Fine-tuning follows Sources/DynamicResolution/Step/TrainingStep+FineTune.swift with the published estimator."""
import torch
import torchvision
from torch import nn
from torch.nn import functional


class ResolutionAwareBatchNorm(nn.Module):
    """One batch norm per candidate resolution. `index` selects the current one."""

    def __init__(self, channels, resolution_count):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(resolution_count))
        self.index = 0

    def forward(self, images):
        return self.norms[self.index](images)


def make_classifier(name, resolution_count):
    network = getattr(torchvision.models, name)(num_classes=1000)
    for module in list(network.modules()):
        for child_name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, child_name, ResolutionAwareBatchNorm(child.num_features, resolution_count))
    return network.to(memory_format=torch.channels_last)


def make_predictor(resolution_count):
    """Returns the published predictor: a ResNet with one basic block per stage."""
    network = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=resolution_count)
    return network.to(memory_format=torch.channels_last)


def multiply_adds(network, pixels):
    """Counts the multiply-adds of the convolutions and linear layers for one image."""
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, pixels, pixels))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return total


def resize(images, size):
    if images.shape[-1] == size:
        return images
    return functional.interpolate(images, size=(size, size), mode="bilinear", antialias=True).contiguous(memory_format=torch.channels_last)


class FineTuning:
    """Fine-tuning steps on random images, with the resolutions in rotation, as in drnet-benchmark."""

    def __init__(self, options):
        count = len(options.pixels)
        self.resolutions = options.pixels
        self.predictor_pixels = options.predictor_pixels
        self.classifier = make_classifier(options.network, count)
        self.predictor = make_predictor(count)
        self.norms = [module for module in self.classifier.modules() if isinstance(module, ResolutionAwareBatchNorm)]
        self.costs = torch.tensor([float(multiply_adds(self.classifier, size)) for size in self.resolutions])
        networks = (self.classifier, self.predictor)
        self.optimizer = torch.optim.SGD(
            [parameter for network in networks for parameter in network.parameters()],
            lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True)
        size = self.resolutions[0]
        self.images = torch.randn(options.batch, 3, size, size).to(memory_format=torch.channels_last)
        self.labels = torch.arange(options.batch) * 7 % 1000
        # The noise is larger than any logit, so it decides the resolution.
        self.noise = 30 * functional.one_hot(torch.arange(options.batch) % count, count).float()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.predictor(resize(self.images, self.predictor_pixels))
        soft = torch.softmax(logits + self.noise, dim=1)
        choices = soft.argmax(dim=1)
        gates = functional.one_hot(choices, len(self.resolutions)).float() + soft - soft.detach()
        loss = self.penalty(gates)
        for index, size in enumerate(self.resolutions):
            chosen = (choices == index).nonzero().squeeze(1)
            if len(chosen) == 0:
                continue
            for norm in self.norms:
                norm.index = index
            scores = self.classifier(resize(self.images[chosen], size)) * gates[chosen, index].unsqueeze(1)
            loss = loss + functional.cross_entropy(scores, self.labels[chosen], reduction="sum") / len(self.labels)
        loss.backward()
        self.optimizer.step()

    def penalty(self, gates):
        smallest, largest = self.costs.min(), self.costs.max()
        return torch.relu(((gates @ self.costs).mean() - smallest) / (largest - smallest))
