"""A PyTorch module of the folder that 'drnet export RUN --format pytorch' wrote: python drnet_torch.py FOLDER IMAGE ...

The parameters have torchvision's names after "classifier." and "decider."; the copies of a batch norm have the index of the resolution
before the last part. The module can be trained: choose the resolution with `classify`.
"""

import json
import sys

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F


FUNCTIONS = {
    "relu": F.relu,
    "relu6": F.relu6,
    "silu": F.silu,
    "hardSwish": F.hardswish,
    "logistic": torch.sigmoid,
    "hardLogistic": F.hardsigmoid,
    "mean": lambda x: x.mean((2, 3)),
}


class Graph(nn.Module):
    """A network as a list of operations on the outputs of earlier ones."""

    def __init__(self, graph, tensors):
        super().__init__()
        # Underscores: parameters have names such as "features.0.0.weight".
        self._operations, self._features = graph["operations"], graph["features"]
        for name, tensor in tensors.items():
            *path, leaf = name.split(".")
            module = self
            for part in path:
                if not hasattr(module, part):
                    module.add_module(part, nn.Module())
                module = getattr(module, part)
            if leaf.startswith("running_"):
                module.register_buffer(leaf, tensor)
            else:
                module.register_parameter(leaf, nn.Parameter(tensor))

    def forward(self, x, resolution_index=0):
        """Returns the input of the last layer, and the logits."""
        values = []
        for operation in self._operations:
            inputs = [values[i] if i >= 0 else x for i in operation["inputs"]]
            values.append(self.run(operation, inputs, resolution_index))
        return values[self._features] if self._features >= 0 else x, values[-1]

    def run(self, operation, inputs, resolution_index):
        kind, x = operation["kind"], inputs[0]
        if kind == "convolution":
            weight = self.get_parameter(operation["name"] + ".weight")
            x = F.conv2d(x, weight, stride=operation["stride"], padding=operation["padding"], groups=operation["groups"])
            name = operation["norm"] + (f".{resolution_index}" if operation.get("copies") else "")
            norm = self.get_submodule(name)
            return F.batch_norm(
                x, norm.running_mean, norm.running_var, norm.weight, norm.bias, self.training, eps=operation["epsilon"]
            )
        if kind == "linear":
            layer = self.get_submodule(operation["name"])
            # Squeeze-and-excitation has the weights of 1x1 convolutions.
            return F.linear(x, layer.weight.flatten(1), layer.bias)
        if kind == "maximumPool":
            return F.max_pool2d(x, operation["kernel"], operation["stride"], operation["padding"])
        if kind == "scale":
            return x * inputs[1][:, :, None, None]
        if kind == "sum":
            return sum(inputs)
        return FUNCTIONS[kind](x)


class DRNet(nn.Module):
    """Images [N, size, size, 3] with values of 0 … 255 → logits [N, classes] and resolutions [N] in pixels."""

    def __init__(self, folder):
        super().__init__()
        tensors = load_file(f"{folder}/model.safetensors")
        description = json.load(open(f"{folder}/network.json"))

        def part(prefix):
            return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}

        self.metadata, self.fixed_index = description["metadata"], description["fixedIndex"]
        self.resolutions = self.metadata["resolutions"]
        self.classifier = Graph(description["classifier"], part("classifier."))
        self.rule = description.get("decider")
        graph = self.rule and self.rule.get("graph")
        self.decider = Graph(graph, part("decider.")) if graph else None
        self.resizing = part("resize.")
        self.eval()

    def prepare(self, images, key):
        """Resizes with fixed matrices, and normalises."""
        x = images.permute(0, 3, 1, 2)
        matrix = self.resizing.get(key)
        if matrix is not None:
            x = matrix.to(x) @ x @ matrix.to(x).T
        mean, deviation = (
            torch.tensor(self.metadata["preprocessing"][key]).view(3, 1, 1).to(x) for key in ("mean", "standardDeviation")
        )
        return x / (255 * deviation) - mean / deviation

    def classify(self, images, index):
        """Pooled features and logits of images of the largest resolution, classified at one resolution."""
        return self.classifier(self.prepare(images, str(index)), index)

    def decide(self, images):
        """The index of the resolution of each image and, in a cascade, the logits at the smallest resolution."""
        rule, last, smallest = self.rule, len(self.resolutions) - 1, None
        if rule is None:
            return torch.full((len(images),), self.fixed_index), None
        if rule["kind"] == "network":
            outputs = self.decider(self.prepare(images, "decider"))[1]
        else:
            features, smallest = self.classify(images, last)
            if rule["kind"] == "threshold":
                ordered = smallest.sort(dim=1, descending=True)[0]
                odds = (ordered[:, 1:] - ordered[:, :1]).exp().sum(1)
                return torch.where(odds / (1 + odds) < rule["costWeight"], last, 0), smallest
            largest = smallest.log_softmax(1).topk(rule["probabilities"])[0].clamp(min=rule["leastLogarithm"])
            outputs = self.decider(torch.cat([features, rule["logarithmScale"] * largest], 1))[1]
        return (rule["sign"] * outputs - torch.tensor(rule["penalties"])).argmax(1), smallest

    def forward(self, images):
        choices, smallest = self.decide(images)
        logits = images.new_zeros(len(images), len(self.metadata["classes"])) if smallest is None else smallest.clone()
        for index in choices.unique().tolist():
            # In a cascade, the answer of the smallest resolution exists already.
            if smallest is None or index < len(self.resolutions) - 1:
                rows = choices == index
                logits[rows] = self.classify(images[rows], index)[1]
        return logits, torch.tensor(self.resolutions)[choices]


if __name__ == "__main__":
    import image_input

    network = DRNet(sys.argv[1])
    for path in sys.argv[2:]:
        with torch.no_grad():
            logits, resolution = network(torch.from_numpy(image_input.load(path, network.metadata["preprocessing"])))
        print(path, network.metadata["classes"][logits[0].argmax()], int(resolution), sep="\t")
