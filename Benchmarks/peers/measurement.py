"""Options and JSON output that the benchmark scripts share.

Both match `drnet-benchmark step` (Benchmarks/drnet-benchmark/Measurement.swift).
"""
import argparse
import json
import resource
import statistics
import sys
import time


def parse(description, passes, program):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--network", default="resnet50", help="torchvision's name")
    parser.add_argument("--pixels", default="224", help="one size, or candidates separated by commas, largest first")
    parser.add_argument("--batch", type=int, default=16, help="images of a step over all ranks")
    parser.add_argument("--pass", dest="kind", choices=passes, default=passes[0])
    parser.add_argument("--ranks", type=int, default=1, help="processes")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--warm-up-steps", type=int, default=2)
    parser.add_argument("--predictor-pixels", type=int, default=128)
    parser.add_argument("--program", default=program, help="the name to report")
    parser.add_argument("--cache", help="a folder for files that later runs can reuse")
    options = parser.parse_args()
    options.pixels = [int(size) for size in options.pixels.split(",")]
    if options.batch % options.ranks:
        parser.error(f"--batch is {options.batch}; it must be a multiple of the {options.ranks} ranks")
    return options


def time_steps(options, step, before_step=lambda: None):
    """Returns the seconds of each step after the warm-up steps."""
    seconds = []
    for index in range(options.warm_up_steps + options.steps):
        before_step()
        start = time.perf_counter()
        step()
        if index >= options.warm_up_steps:
            seconds.append(time.perf_counter() - start)
    return seconds


def peak_memory():
    """Returns the maximum resident memory of this process in bytes. getrusage reports KiB on Linux and bytes on macOS."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def report(options, version, seconds, peak_memory_bytes):
    per_step = statistics.median(seconds)
    print(json.dumps({
        "program": options.program, "version": version, "network": options.network, "pixels": options.pixels, "batch": options.batch,
        "pass": options.kind, "ranks": options.ranks, "threads": options.threads, "seconds": seconds, "secondsPerStep": per_step,
        "imagesPerSecond": options.batch / per_step, "gigaFLOPsPerSecond": None, "bytesPerImage": None, "bytesPerImageSeparate": None,
        "peakMemoryBytes": peak_memory_bytes,
    }))
