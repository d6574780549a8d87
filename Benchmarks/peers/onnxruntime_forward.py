"""Times a torchvision network in onnxruntime. The network is exported in evaluation mode, and all optimisations of the runtime are on."""
import os
import subprocess
import sys
import tempfile

import measurement

EXPORT = """
import sys, torch, torchvision
name, batch, size, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.manual_seed(1)
network = getattr(torchvision.models, name)(num_classes=1000).eval()
torch.onnx.export(network, (torch.randn(batch, 3, size, size),), path, input_names=["images"], dynamo=False)
"""


def exported(options, folder):
    """Exports the network to an ONNX file and returns its path. Runs in a separate process, so that PyTorch's memory is not counted."""
    path = os.path.join(folder, f"{options.network}-{options.batch}-{options.pixels[0]}.onnx")
    if not os.path.exists(path):
        arguments = [options.network, str(options.batch), str(options.pixels[0]), path + ".part"]
        subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORT, *arguments], check=True, stdout=subprocess.DEVNULL)
        os.rename(path + ".part", path)
    return path


def measure(options, path):
    import numpy
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    size = options.pixels[0]
    images = numpy.random.default_rng(1).standard_normal((options.batch, 3, size, size), dtype=numpy.float32)
    seconds = measurement.time_steps(options, lambda: session.run(None, {"images": images}))
    measurement.report(options, onnxruntime.__version__, seconds, measurement.peak_memory())


def main():
    options = measurement.parse(__doc__, ["forward"], "onnxruntime")
    if options.ranks > 1 or len(options.pixels) > 1:
        raise SystemExit("onnxruntime_forward.py takes one rank and one size")
    with tempfile.TemporaryDirectory() as folder:
        measure(options, exported(options, options.cache or folder))


if __name__ == "__main__":
    main()
