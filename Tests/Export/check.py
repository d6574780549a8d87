"""Compares exports of a run with drnet on images: accuracy, shares, logits, choices and times.

    python Tests/Export/check.py RUN IMAGES [--deployment FILE] [--drnet .build/release/drnet] [--limit N] [--rounds N]

IMAGES is a folder with CLASS/*.jpg. Needs numpy, pillow, onnx, onnxruntime, openvino, torch and safetensors. Ends with status 1 if a file
is not valid, if a choice or a class differs without a near tie, or if a logit differs by more than 1e-4. Times are the least of all
rounds on one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnx.utils
import onnxruntime
import openvino
import torch

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, root + "/docs/examples/python")
import drnet_torch  # noqa: E402
import image_input  # noqa: E402
import run_parts  # noqa: E402

TOLERANCE = 1e-4


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compiled(path, runtime):
    """run_parts.compiled, on one thread."""
    if runtime == "openvino":
        settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        model = openvino.Core().compile_model(path, "CPU", settings)
        return lambda images: {name: values for output, values in model([images]).items() for name in output.names}
    run = session(path)
    names = [output.name for output in run.get_outputs()]
    return lambda images: dict(zip(names, run.run(names, {"image": images})))


run_parts.compiled = compiled


def drnet(arguments, *more):
    return subprocess.run([arguments.drnet, *more], check=True, capture_output=True, text=True).stdout


def whole(path):
    run = session(path)

    def one(image):
        logits, resolution = run.run(["logits", "resolution"], {"image": image})
        return logits[0], int(resolution[0])

    return one


def batched(path, images):
    """All answers in batches of 16."""
    run, answers = session(path), []
    for start in range(0, len(images), 16):
        logits, resolutions = run.run(["logits", "resolution"], {"image": np.concatenate(images[start : start + 16])})
        answers += zip(logits, resolutions.tolist())
    return answers


def torch_module(folder):
    network = drnet_torch.DRNet(folder)

    def one(image):
        with torch.no_grad():
            logits, resolution = network(torch.from_numpy(image))
        return logits[0].numpy(), int(resolution[0])

    return one


def report(name, answers, ours, labels, resolutions):
    """Prints a row. Returns whether the answers agree with ours."""
    differences = [np.abs(a[0] - o[0]).max() for a, o in zip(answers, ours) if a[1] == o[1]]
    choices = sum(a[1] != o[1] for a, o in zip(answers, ours))
    classes = sum(a[0].argmax() != o[0].argmax() for a, o in zip(answers, ours))
    accuracy = np.mean([a[0].argmax() == label for a, label in zip(answers, labels)])
    shares = " ".join(f"{np.mean([a[1] == r for a in answers]):6.1%}" for r in resolutions)
    print(f"{name:34} {accuracy:7.2%}  {shares}   {max(differences):8.1e}  {choices:7}  {classes:7}")
    return max(differences) <= TOLERANCE and choices == 0


def least(runs, rounds):
    """The least milliseconds of each function, in turn."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: min(values) for name, values in times.items()}


def alone(folder, resolution):
    """The classifier of a part without resizing: from normalised images [1, 3, r, r]. In a cascade, the smallest is in the decider."""
    source, target = f"{folder}/classifier-{resolution}.onnx", f"{folder}/alone-{resolution}.onnx"
    if not os.path.exists(source):
        source = f"{folder}/decider.onnx"
    onnx.utils.extract_model(source, target, [f"images{resolution}"], ["logits"])
    run = session(target)
    image = np.random.default_rng(0).standard_normal((1, 3, resolution, resolution)).astype(np.float32)
    return lambda: run.run(None, {f"images{resolution}": image})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("images")
    parser.add_argument("--deployment")
    parser.add_argument("--drnet", default=root + "/.build/release/drnet")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    deployment = arguments.deployment or f"{arguments.run}/deployment.json"

    with tempfile.TemporaryDirectory() as folder:
        for format, options, name in [
            ("onnx", [], "one.onnx"), ("onnx", ["--batch-size", "any"], "any.onnx"), ("onnx-parts", [], "parts"),
            ("pytorch", [], "pytorch"),
        ]:
            drnet(arguments, "export", arguments.run, "--deployment", deployment, "--format", format, "-o", f"{folder}/{name}", *options)
        files = [f"{folder}/one.onnx", f"{folder}/any.onnx"]
        files += [f"{folder}/parts/{name}" for name in sorted(os.listdir(f"{folder}/parts")) if name.endswith(".onnx")]
        for file in files:
            onnx.checker.check_model(file, full_check=True)
            print(f"{os.path.relpath(file, folder):24} {os.path.getsize(file) / 2**20:7.2f} MiB, accepted by the checker of ONNX")

        metadata = json.load(open(f"{folder}/parts/manifest.json"))["metadata"]
        classes, resolutions = metadata["classes"], metadata["resolutions"]
        names = [(c, f"{arguments.images}/{c}/{n}") for c in classes for n in sorted(os.listdir(f"{arguments.images}/{c}"))]
        if arguments.limit:
            names = names[:: max(1, len(names) // arguments.limit)]
        labels = [classes.index(c) for c, _ in names]
        images = [image_input.load(path, metadata["preprocessing"]) for _, path in names]

        lines = drnet(
            arguments, "predict", "--run", arguments.run, "--deployment", deployment, "--json", "--logits", *[p for _, p in names])
        records = [json.loads(line) for line in lines.splitlines()]
        ours = [(np.array(r["logits"], np.float32), r["resolution"]) for r in records]
        print(f"\n{metadata['chooser']}, {len(images)} images")
        print(f"{'':34}  top-1  {'  '.join(f'at {r:3}' for r in resolutions)}   |Δlogit|  choices  classes that differ")
        one, torch_one = whole(f"{folder}/one.onnx"), torch_module(f"{folder}/pytorch")
        parts = {runtime: run_parts.Parts(f"{folder}/parts", runtime) for runtime in ("onnxruntime", "openvino")}
        agrees = [
            report("drnet", ours, ours, labels, resolutions),
            report("onnxruntime, one file", [one(i) for i in images], ours, labels, resolutions),
            report("onnxruntime, one file, batches", batched(f"{folder}/any.onnx", images), ours, labels, resolutions),
            report("onnxruntime, parts", [parts["onnxruntime"](i) for i in images], ours, labels, resolutions),
            report("openvino, parts", [parts["openvino"](i) for i in images], ours, labels, resolutions),
            report("PyTorch", [torch_one(i) for i in images], ours, labels, resolutions),
        ]
        bytes_input = [np.rint(i).astype(np.float32) for i in images]
        report("onnxruntime, input of bytes", [one(i) for i in bytes_input], ours, labels, resolutions)

        print("\nmilliseconds of one image by chosen resolution, one thread, least of all rounds")
        file = f"{folder}/costs.json"
        drnet(arguments, "measure-costs", arguments.run, "--batch-size", "1", "--threads", "1", "--seconds", "4", "--output", file)
        costs = json.load(open(file))["table"]["milliseconds"]
        columns = ["one file", "parts", "parts, openvino", "PyTorch", "classifier alone", "one file / alone", "drnet's classifier"]
        print(" " * 6 + "  ".join(columns))
        for index, resolution in enumerate(resolutions):
            image = next((i for i, a in zip(images, ours) if a[1] == resolution), None)
            if image is None:
                continue
            runs = {
                "one file": lambda: one(image), "parts": lambda: parts["onnxruntime"](image),
                "parts, openvino": lambda: parts["openvino"](image), "PyTorch": lambda: torch_one(image),
                "classifier alone": alone(f"{folder}/parts", resolution),
            }
            times = least(runs, arguments.rounds)
            times["one file / alone"] = times["one file"] / times["classifier alone"]
            times["drnet's classifier"] = costs["classifier"][index]
            print(f"{resolution:5} " + "  ".join(f"{times[c]:{len(c)}.3f}" for c in columns))
        print(f"drnet's decider: {costs['predictor']:.3f} ms")
    if not all(agrees):
        sys.exit("check: an export differs from drnet")


if __name__ == "__main__":
    main()
