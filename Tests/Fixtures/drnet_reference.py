"""Reference of one training step of a dynamic resolution network, in PyTorch and double precision, written from the paper's formulas."""
import torch
import torch.nn.functional as F
from torch import nn

from formula import formula


class BatchNorm(nn.Module):
    """One batch norm per resolution, or a single one if `resolutions` is None."""

    def __init__(self, channels, resolutions):
        super().__init__()
        self.plain = resolutions is None
        copies = [nn.BatchNorm2d(channels) for _ in range(resolutions or 1)]
        if self.plain:
            self.norm = copies[0]
        else:
            self.norms = nn.ModuleList(copies)

    def forward(self, x, index):
        return (self.norm if self.plain else self.norms[index])(x)


class Block(nn.Module):
    """torchvision's BasicBlock or Bottleneck (v1.5: the 3×3 convolution has the stride)."""

    def __init__(self, bottleneck, inputs, width, stride, resolutions):
        super().__init__()
        if bottleneck:
            outputs, layers = 4 * width, [(inputs, width, 1, 1), (width, width, 3, stride), (width, 4 * width, 1, 1)]
        else:
            outputs, layers = width, [(inputs, width, 3, stride), (width, width, 3, 1)]
        self.count = len(layers)
        for number, (a, b, kernel, s) in enumerate(layers, 1):
            setattr(self, f"conv{number}", nn.Conv2d(a, b, kernel, s, kernel // 2, bias=False))
            setattr(self, f"bn{number}", BatchNorm(b, resolutions))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.ModuleList(
                [nn.Conv2d(inputs, outputs, 1, stride, bias=False), BatchNorm(outputs, resolutions)])
        self.outputs = outputs

    def forward(self, x, index):
        shortcut = x if self.downsample is None else self.downsample[1](self.downsample[0](x), index)
        for number in range(1, self.count + 1):
            x = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(x), index)
            x = F.relu(x + shortcut if number == self.count else x)
        return x


class Network(nn.Module):
    def __init__(self, bottleneck, blocks, stem, widths, outputs, resolutions):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = BatchNorm(stem, resolutions)
        inputs = stem
        for stage, (count, width) in enumerate(zip(blocks, widths), 1):
            layer = nn.ModuleList()
            for number in range(count):
                layer.append(Block(bottleneck, inputs, width, 2 if stage > 1 and number == 0 else 1, resolutions))
                inputs = layer[-1].outputs
            setattr(self, f"layer{stage}", layer)
        self.fc = nn.Linear(inputs, outputs)

    def features(self, x, index=0):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x), index)), 3, 2, 1)
        for stage in range(1, 5):
            for block in getattr(self, f"layer{stage}"):
                x = block(x, index)
        return x.mean((2, 3))

    def forward(self, x, index=0):
        return self.fc(self.features(x, index))

    def file_name(self, name):
        return name.replace(".norm.", ".").replace(".norms.", ".")

    def fill(self, prefix):
        """Sets parameters and statistics to values of the formula, scaled to typical magnitudes."""
        tensors = list(self.named_parameters()) + [b for b in self.named_buffers() if "num_batches" not in b[0]]
        with torch.no_grad():
            for name, tensor in tensors:
                name = self.file_name(name)
                values = torch.from_numpy(formula(prefix + name, tensor.numel())).reshape(tensor.shape)
                if tensor.dim() > 1:
                    values = values * (3.0 / tensor[0].numel()) ** 0.5
                elif name.endswith("running_mean") or name.endswith("bias"):
                    values = 0.1 * values
                else:
                    values = 1 + 0.25 * values
                tensor.copy_(values.float())


class Head(nn.Module):
    """The learned head of a cascade."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.fc = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.fc(F.relu(self.hidden(x)))

    file_name = Network.file_name
    fill = Network.fill


def multiply_adds(network, size):
    total = 0

    def count(layer, _, output):
        nonlocal total
        total += output.numel() * layer.weight[0].numel()

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, 3, size, size, dtype=torch.float64))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return total


def resize(images, size):
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def without_statistics(classifier, function):
    """Returns `function()`, evaluated in training mode without a change of the running statistics."""
    norms = [m for m in classifier.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0
    result = function()
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    return result


def classification_loss(case, labels):
    """Returns a function (scores, indices of images) → the loss of each.

    `targets` (probabilities), `class_weights` and `teacher_scores` of the case are optional."""
    targets = case.get("targets", labels)

    def losses(scores, which):
        result = F.cross_entropy(
            scores, targets[which], weight=case.get("class_weights"), label_smoothing=case["label_smoothing"], reduction="none")
        if "teacher_scores" in case:
            alpha, t = case["teacher_weight"], case["teacher_temperature"]
            teacher = torch.softmax(case["teacher_scores"][which] / t, 1)
            divergence = F.kl_div(torch.log_softmax(scores / t, 1), teacher, reduction="none").sum(1)
            result = (1 - alpha) * result + alpha * t * t * divergence
        return result

    return losses


def step(classifier, predictor, case, images, labels, noise, draws, estimator):
    """Computes the gradients of L = CE + η L_reg in the parameters' `grad`. Returns the values that the tests compare.

    `expected-all` is `expected` with forward-only passes in training mode. These record their statistics instead of the sub-batches'.
    """
    resolutions, tau, eta = case["resolutions"], case["temperature"], case["flops_weight"]
    count, everything = len(labels), torch.arange(len(labels))
    costs = torch.tensor([multiply_adds(classifier, r) for r in resolutions], dtype=torch.float64)
    target = case["flops_target"] * costs[0]
    classifier.train()
    predictor.train()
    logits = predictor(resize(images, case["predictor_input"]))

    def scores_of(which, j):
        return classifier(resize(images[which], resolutions[j]), j)

    cross_entropy = classification_loss(case, labels)
    policy = torch.softmax(logits, 1)
    if estimator in ("straight-through", "dense"):
        soft = torch.softmax((torch.log_softmax(logits, 1) + noise) / tau, 1)
        choices = soft.argmax(1)
        gates = F.one_hot(choices, len(resolutions)) + soft - soft.detach()
        weights = gates
    else:
        choices = (logits + noise).argmax(1)
        weights = policy
    sub_batches = [(choices == j).nonzero().flatten() for j in range(len(resolutions))]

    loss, policy_loss = 0, 0
    chosen_losses = torch.zeros(count, dtype=torch.float64)

    def train_sub_batches():
        nonlocal loss
        for j, which in enumerate(sub_batches):
            scores = scores_of(which, j)
            if estimator == "straight-through":
                scores = gates[which, j : j + 1] * scores
            losses = cross_entropy(scores, which)
            chosen_losses[which] = losses.detach()
            loss = loss + losses.sum() / count

    if estimator.startswith("expected"):
        classifier.train(estimator == "expected-all")
        # Runs before the sub-batches, which change the running statistics. A step changes them only at its end.
        with torch.no_grad():
            losses = torch.stack([cross_entropy(scores_of(everything, j), everything) for j in range(len(resolutions))], 1)
        policy_loss = (policy * losses).sum(1).mean()
        classifier.train()
    if estimator == "dense":
        scores = sum(gates[:, j : j + 1] * scores_of(everything, j) for j in range(len(resolutions)))
        loss = cross_entropy(scores, everything).mean()
    elif estimator == "expected-all":
        without_statistics(classifier, train_sub_batches)
    else:
        train_sub_batches()

    if estimator == "probe":
        probes = draws + (draws >= choices)
        probed_losses = torch.zeros(count, dtype=torch.float64)

        def probe():
            for j in range(len(resolutions)):
                which = (probes == j).nonzero().flatten()
                if len(which) > 0:
                    probed_losses[which] = cross_entropy(scores_of(which, j), which)

        with torch.no_grad():
            without_statistics(classifier, probe)
        chosen_policy, probed_policy = policy[everything, choices].detach(), policy[everything, probes].detach()
        weight = (len(resolutions) - 1) * chosen_policy * probed_policy / (chosen_policy + probed_policy)
        difference = logits[everything, choices] - logits[everything, probes]
        policy_loss = (weight * (chosen_losses - probed_losses) * difference).mean()
    mean_cost = (weights @ costs).mean()
    penalty = eta * torch.clamp((mean_cost - target) / (costs.max() - costs.min()), min=0)
    (loss + penalty + policy_loss).backward()
    return {"loss": loss, "penalty": penalty, "mean_cost": mean_cost, "choices": choices.double(), "logits": logits, "costs": costs}


def regression_step(classifier, predictor, case, images, labels):
    """The predictor regresses the losses at all resolutions. The classifier trains at all of them."""
    resolutions, eta = case["resolutions"], case["flops_weight"]
    costs = torch.tensor([multiply_adds(classifier, r) for r in resolutions], dtype=torch.float64)
    target = case["flops_target"] * costs[0]
    classifier.train()
    predictor.train()
    logits = predictor(resize(images, case["predictor_input"]))
    loss = classification_loss(case, labels)
    losses = torch.stack([loss(classifier(resize(images, r), j), torch.arange(len(labels))) for j, r in enumerate(resolutions)], 1)
    choices = (logits + eta * costs / (costs.max() - costs.min())).argmin(1)
    mean_cost = costs[choices].mean()
    penalty = eta * torch.clamp((mean_cost - target) / (costs.max() - costs.min()), min=0)
    (losses.mean() + ((logits - losses.detach()) ** 2).mean()).backward()
    return {"loss": losses.mean(), "penalty": penalty, "mean_cost": mean_cost, "choices": choices.double(), "logits": logits,
            "costs": costs}


def cascade_step(classifier, head, case, images, labels, noise):
    """`expected-all` with a cascade. All images train the classifier at the smallest resolution, whose pass the head decides from."""
    resolutions, eta = case["resolutions"], case["flops_weight"]
    count, last = len(labels), len(resolutions) - 1
    costs = torch.tensor([multiply_adds(classifier, r) for r in resolutions], dtype=torch.float64)
    costs = torch.cat([costs[:last] + costs[last], costs[last:]])
    target = case["flops_target"] * multiply_adds(classifier, resolutions[0])
    classifier.train()
    cross_entropy = classification_loss(case, labels)
    everything = torch.arange(count)
    features = classifier.features(resize(images, resolutions[last]), last)
    smallest = classifier.fc(features)
    logarithms = torch.log_softmax(smallest, 1).sort(1, descending=True).values[:, :5]
    logits = head(torch.cat([features, 0.2 * logarithms.clamp(min=-10)], 1).detach())
    policy, choices = torch.softmax(logits, 1), (logits + noise).argmax(1)
    first = cross_entropy(smallest, everything)
    loss_sum, classifications = first.sum(), count

    def train_sub_batches():
        nonlocal loss_sum, classifications
        for j in range(last):
            which = (choices == j).nonzero().flatten()
            if len(which) > 0:
                loss_sum = loss_sum + cross_entropy(classifier(resize(images[which], resolutions[j]), j), which).sum()
                classifications += len(which)

    without_statistics(classifier, train_sub_batches)
    with torch.no_grad():
        losses = [cross_entropy(classifier(resize(images, resolutions[j]), j), everything) for j in range(last)]
    losses = torch.stack(losses + [first.detach()], 1)
    mean_cost = (policy @ costs).mean()
    penalty = eta * torch.clamp((mean_cost - target) / (costs.max() - costs.min()), min=0)
    (loss_sum / count + penalty + (policy * losses).sum(1).mean()).backward()
    return {"loss": loss_sum / classifications, "penalty": penalty, "mean_cost": mean_cost, "choices": choices.double(),
            "logits": logits, "costs": costs}


def warm_up(classifier, case, images, labels, distillation_weight):
    """Computes the gradients of the mean of CE_j + weight * distillation, and returns both terms.

    The distillation is the full version of Resolution Switchable Networks (arXiv 2007.09558) with an ensemble of equal weights."""
    classifier.train()
    scores = [classifier(resize(images, resolution), j) for j, resolution in enumerate(case["resolutions"])]
    count = len(scores)
    losses = classification_loss(case, labels)
    loss = sum(losses(z, torch.arange(len(labels))).mean() for z in scores) / count

    def divergence(teacher, student):
        return F.kl_div(torch.log_softmax(student, 1), torch.softmax(teacher.detach(), 1), reduction="batchmean")

    ensemble = sum(scores) / count
    distillation = sum(
        divergence(ensemble, z) + sum(divergence(larger, z) for larger in scores[:j]) for j, z in enumerate(scores))
    distillation = distillation_weight * 2 / (count + 1) * distillation / count
    (loss + distillation).backward()
    return {"loss": loss, "distillation": distillation}
