"""Images per second of a training step in PyTorch, to compare with drnet-benchmark. Channels-last, as PyTorch is fastest on CPUs."""
import argparse
import time

import torch
import torchvision

parser = argparse.ArgumentParser()
parser.add_argument("--architecture", default="resnet18")
parser.add_argument("--resolution", type=int, default=224)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=6)
parser.add_argument("--forward", action="store_true")
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(1)
network = getattr(torchvision.models, options.architecture)(num_classes=1000).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
images = torch.randn(options.batch, 3, options.resolution, options.resolution).to(memory_format=torch.channels_last)
labels = torch.arange(options.batch) * 7 % 1000


def step():
    if options.forward:
        with torch.inference_mode():
            network.eval()(images)
        return
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()


seconds = []
for _ in range(options.steps + 2):
    start = time.perf_counter()
    step()
    seconds.append(time.perf_counter() - start)
print(f"{options.batch / sorted(seconds[2:])[options.steps // 2]:.2f}")
