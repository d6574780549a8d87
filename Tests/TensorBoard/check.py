"""Reads event files with the package tensorboard (2.20), and compares a run's with its metrics.jsonl.

    python -m venv /tmp/check && /tmp/check/bin/pip install tensorboard pillow
    /tmp/check/bin/python Tests/TensorBoard/check.py runs/my                  # a run with metrics.tensorBoard: true
    /tmp/check/bin/python Tests/TensorBoard/check.py --files Tests/Fixtures/tensorboard

Every scalar of metrics.jsonl must be there once, to the precision of 32-bit numbers. All pictures must decode. The server of TensorBoard
itself must list the run's hyper-parameters and metrics. Ends with status 1 otherwise.
"""

import argparse
import io
import json
import math
import os
import struct
import sys
import urllib.request

from PIL import Image
from tensorboard import program
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2


def float32(number):
    return struct.unpack("f", struct.pack("f", float(number)))[0]


def expected(run):
    """The scalars of metrics.jsonl: {(tag, step): value}. docs/metrics.md lists the tags."""
    resolutions = json.load(open(f"{run}/evaluation.json"))["resolutions"]
    fields = "loss crossEntropy distillation penalty accuracy gigaFLOPs milliseconds entropy".split()
    numbers = {}

    def add(tag, step, value):
        if value is not None:
            numbers[tag, step] = value

    for line in open(f"{run}/metrics.jsonl"):
        record = json.loads(line)
        step, kind = record["step"], record["kind"]
        if kind in ("step", "epoch"):
            group, shares = ("train", "shares") if kind == "step" else ("epoch", "epoch shares")
            for field in fields + (["flopsWeight", "multiplier", "gradientNorm"] if kind == "step" else []):
                add(f"{group}/{field}", step, record.get(field))
            for resolution, share in zip(resolutions, record.get("shares", [])):
                add(f"{shares}/{resolution}", step, share)
        if kind == "step":
            for field in ("imagesPerSecond", "dataWaitSeconds"):
                add(f"speed/{field}", step, record.get(field))
            for part, rate in zip(("classifier", "predictor"), record["learningRates"]):
                add(f"learningRate/{part}", step, rate)
        if kind == "evaluation":
            group = "final" if record["stage"] == "final" else "validation"
            for row in record["rows"]:
                names = {"top1": "top1", "top5": "top5", "gigaFLOPs": "totalGFLOPs", "milliseconds": "milliseconds"}
                for name, field in (names | {"imagesPerSecond": "imagesPerSecond"}).items():
                    add(f"{group}/{name}/{row['name']}", step, row.get(field))
                if row["name"] == "dynamic":
                    for resolution, share in zip(resolutions, row["shares"]):
                        add(f"{group} shares/{resolution}", step, share)
    return numbers


def read(folder):
    everything = dict(scalars=0, images=0, tensors=0, compressedHistograms=0, histograms=0, audio=0)
    accumulator = EventAccumulator(folder, size_guidance=everything)
    accumulator.Reload()
    return accumulator


def scalars(accumulator):
    """{(tag, step): [values]}, as EventAccumulator has them after purging what a resumed run writes again."""
    found = {}
    for tag in accumulator.Tags()["scalars"]:
        for event in accumulator.Scalars(tag):
            found.setdefault((tag, event.step), []).append(event.value)
    return found


def compare(found, wanted):
    problems = []
    for key, value in wanted.items():
        values = found.get(key, [])
        same = len(values) == 1 and (values[0] == float32(value) or math.isnan(values[0]) and math.isnan(float(value)))
        if not same:
            problems.append(f"{key}: {values} in place of {value}")
    problems += [f"{key}: not in metrics.jsonl" for key in found if key not in wanted]
    return problems


def pictures(accumulator):
    count, tags = 0, accumulator.Tags()["images"]
    for tag in tags:
        for event in accumulator.Images(tag):
            image = Image.open(io.BytesIO(event.encoded_image_string))
            image.load()
            assert image.size == (event.width, event.height), f"{tag}: {image.size} in place of {event.width, event.height}"
            count += 1
    return count, tags


def hyper_parameters(accumulator):
    content = {}
    for tag, metadata in accumulator.summary_metadata.items():
        if metadata.plugin_data.plugin_name == "hparams":
            data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
            content[tag] = data
    return content


def served(folder):
    """What the server of TensorBoard says of all runs: its sessions, and its scalar and image tags."""
    board = program.TensorBoard()
    board.configure(argv=["tensorboard", "--logdir", folder, "--port", "0", "--reload_interval", "1"])
    url = board.launch()

    def get(path, body=None):
        request = urllib.request.Request(f"{url}data/plugin/{path}", data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        return json.load(urllib.request.urlopen(request, timeout=60))

    for _ in range(60):
        tags = get("scalars/tags")
        if tags:
            break
        import time

        time.sleep(1)
    body = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS", "STATUS_RUNNING", "STATUS_UNKNOWN"], "sliceSize": 100}
    metrics = get("hparams/experiment", {"experimentName": ""}).get("metricInfos", [])
    body["colParams"] = [{"metric": metric["name"], "order": "ORDER_UNSPECIFIED"} for metric in metrics]
    return tags, get("images/tags"), get("hparams/session_groups", body), metrics


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="a run folder; with --files a folder of event files")
    parser.add_argument("--files", action="store_true", help="only read the files, and print what they have")
    arguments = parser.parse_args()
    folder = arguments.folder if arguments.files else f"{arguments.folder}/tensorboard"
    accumulator = read(folder)
    found = scalars(accumulator)
    count, tags = pictures(accumulator)
    parameters = hyper_parameters(accumulator)
    print(f"{folder}: {len(os.listdir(folder))} files, {sum(map(len, found.values()))} scalars of {len({k[0] for k in found})} tags, "
          f"{count} pictures of {len(tags)} tags")
    print(f"hyper-parameters: {', '.join(sorted(parameters))}")
    if arguments.files:
        print(*(f"{tag}@{step}: {values}" for (tag, step), values in sorted(found.items())), sep="\n")
        return 0
    wanted = expected(arguments.folder)
    problems = compare(found, wanted)
    session = parameters["_hparams_/session_start_info"].session_start_info
    experiment = parameters["_hparams_/experiment"].experiment
    if {info.name for info in experiment.hparam_infos} != set(session.hparams):
        problems.append("the experiment and the session have other hyper-parameters")
    if parameters["_hparams_/session_end_info"].session_end_info.status != api_pb2.STATUS_SUCCESS:
        problems.append("the session has no end")
    print(f"{len(session.hparams)} hyper-parameters, such as optimizer.batchSize = {session.hparams['optimizer.batchSize'].number_value:g}")
    for scalar_tags, image_tags, groups, metrics in [served(arguments.folder)]:
        sessions = [session for group in groups["sessionGroups"] for session in group["sessions"]]
        values = {value["name"]["tag"]: value["value"] for session in sessions for value in session["metricValues"]}
        print(f"the server: {sum(map(len, scalar_tags.values()))} scalar tags, {sum(map(len, image_tags.values()))} image tags, "
              f"{len(sessions)} session with {len(metrics)} metrics: {values}")
        if len(sessions) != 1 or len(values) != len(metrics) or not values:
            problems.append("the tab HPARAMS does not show the run")
        if sum(map(len, image_tags.values())) != len(tags):
            problems.append("the server has other image tags")
    print(*problems[:20], sep="\n")
    print(f"{len(wanted)} scalars of metrics.jsonl compared, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
