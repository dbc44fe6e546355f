#!/usr/bin/env python3
"""How the core stands beside its rivals: criterion's own medians, those of one group side by side.

    benches/ratios.py          what the last run left
    benches/ratios.py --run    runs the benches first, each group anew; with --quick shorter and rougher
    ... --fastest              the fastest sample instead of the median: where others use the machine too
    ... --check                ends with 1 where a bar is missed, or its group did not run
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).parent.parent / "target")
BENCHES = ["sign", "read", "accept", "flow"]
OURS = "wechatpay-proto"
# The most that the core may take of the time of its bare rival.
BARS = {
    "sign/md5/14 fields": 1.20,
    "sign/hmac/14 fields": 1.45,
    "accept/signed order query 20 fields/md5": 1.20,
    "accept/signed order query 20 fields/hmac": 1.20,
}
# The most nanoseconds that one element of a group may take.
TIMES = {"flow/red packet in-process": 12_000}


def results(fastest):
    """The groups that ran: group -> (what is counted, how many in one round, {function: ns})."""
    groups = {}
    for path in sorted((TARGET / "criterion").glob("*/*/new/estimates.json")):
        about = json.loads(path.with_name("benchmark.json").read_text())
        group, function = about["group_id"], about["function_id"]
        if group.split("/")[0] in BENCHES:
            (kind, count), = (about["throughput"] or {"Elements": 1}).items()
            time = json.loads(path.read_text())["median"]["point_estimate"]
            if fastest:
                sample = json.loads(path.with_name("sample.json").read_text())
                time = min(total / times for total, times in zip(sample["times"], sample["iters"]))
            groups.setdefault(group, (kind.lower(), count, {}))[2][function] = time
    return groups


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--fastest", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.run:
        for bench in BENCHES:
            for old in (TARGET / "criterion").glob(f"{bench}_*"):
                shutil.rmtree(old)
        chosen = [part for bench in BENCHES for part in ("--bench", bench)]
        passed = ["--", "--quick"] if options.quick else []
        subprocess.run(["cargo", "bench", "-p", "wechatpay-benches", *chosen, *passed], check=True)

    groups = results(options.fastest)
    missed = [f"{group}: did not run" for group in [*BARS, *TIMES] if group not in groups]
    print("| group | wechatpay-proto | each | beside the bare | beside the usual |\n|---|--:|--:|--:|--:|")
    for group, (kind, count, times) in sorted(groups.items(), key=lambda item: key(item[0])):
        if OURS not in times:
            continue
        ours = times[OURS]
        ratios = {name.split(":")[0]: ours / time for name, time in times.items() if name != OURS}
        bare, usual = (ratios.get(name, float("nan")) for name in ("bare", "usual"))
        unit = {"bytes": "byte"}.get(kind, "element")
        print(f"| {group} | {ours / 1e3:.3f} µs | {ours / count:.2f} ns / {unit} | {bare:.2f} | {usual:.2f} |")
        if group in BARS and not bare <= BARS[group]:
            missed.append(f"{group}: {bare:.2f} of the bare, at most {BARS[group]:.2f} is wanted")
        if group in TIMES and ours / count > TIMES[group]:
            missed.append(f"{group}: {ours / count:.0f} ns each, at most {TIMES[group]} is wanted")
    for line in missed:
        print(f"missed: {line}")
    if options.check and missed:
        sys.exit(1)


def key(group):
    """`read/growth/4 KiB` before `read/growth/16 KiB`, and both before `read/growth/40 fields`."""
    words = group.replace("/", " ").split()
    numbers = [int(word) for word in words if word.isdigit()]
    return [word for word in words if not word.isdigit()], numbers


main()
