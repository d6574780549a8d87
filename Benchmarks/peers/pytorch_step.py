"""Times a step in PyTorch as drnet-benchmark does. Uses channels-last, PyTorch's fastest layout on CPUs. Several ranks use
DistributedDataParallel over gloo."""
import os
import tempfile
import warnings

import torch
import torchvision
from torch import distributed
from torch.nn import functional

import measurement
import pytorch_drnet


class Training:
    def __init__(self, options):
        network = getattr(torchvision.models, options.network)(num_classes=1000).to(memory_format=torch.channels_last)
        if options.ranks > 1:
            # Newer versions rename `broadcast_buffers` and warn. Older versions do not know the new name.
            warnings.simplefilter("ignore", FutureWarning)
            # Do not copy gradients, and do not broadcast running statistics before every step.
            network = torch.nn.parallel.DistributedDataParallel(network, broadcast_buffers=False, gradient_as_bucket_view=True)
        self.network = network
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True)
        self.images = random_images(options)
        self.labels = torch.arange(len(self.images)) * 7 % 1000

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(self.network(self.images), self.labels).backward()
        self.optimizer.step()


class Forward:
    def __init__(self, options):
        self.network = getattr(torchvision.models, options.network)(num_classes=1000).to(memory_format=torch.channels_last).eval()
        self.images = random_images(options)

    def step(self):
        with torch.inference_mode():
            self.network(self.images)


WORKLOADS = {"train": Training, "forward": Forward, "drnet-train": pytorch_drnet.FineTuning}


def random_images(options):
    size = options.pixels[0]
    return torch.randn(options.batch // options.ranks, 3, size, size).to(memory_format=torch.channels_last)


def measure(rank, options, meeting_point):
    torch.set_num_threads(options.threads)
    torch.manual_seed(1 + rank)
    if options.ranks > 1:
        bind_to_cores(rank, options.threads)
        distributed.init_process_group("gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=options.ranks)
    workload = WORKLOADS[options.kind](options)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.program == "pytorch-bf16")

    def step():
        with autocast:
            workload.step()

    seconds = measurement.time_steps(options, step, distributed.barrier if options.ranks > 1 else lambda: None)
    memory = torch.tensor(float(measurement.peak_memory()), dtype=torch.float64)
    if options.ranks > 1:
        distributed.all_reduce(memory)
    if rank == 0:
        measurement.report(options, torch.__version__, seconds, memory.item())
    if options.ranks > 1:
        distributed.destroy_process_group()


def bind_to_cores(rank, threads):
    """Binds this rank to its cores as mpirun does, if there are enough cores."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))[rank * threads:(rank + 1) * threads]
    if len(cores) == threads:
        os.sched_setaffinity(0, cores)


def main():
    options = measurement.parse(__doc__, list(WORKLOADS), "pytorch")
    if options.ranks > 1 and options.kind != "train":
        raise SystemExit(f"pytorch_step.py: --pass {options.kind} takes one rank")
    if options.ranks == 1:
        measure(0, options, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(measure, (options, os.path.join(folder, "ranks")), nprocs=options.ranks)


if __name__ == "__main__":
    main()
