"""Part of the plan: one training step in every form, printed form by form."""

import argparse
import gc
import time
from statistics import median

import torch
from layer import Measured, build
from layer_forms import COMPILED, EAGER, ON_GPU, PEER, Work
from printed_verdict import judge, say

from pnn_core.device.gpu_memory_limit import release_gpu_memory

STEP_RATIO, COMPILED_RATIO, MEMORY_RATIO = 0.4, 0.75, 0.5
"""Most of the published form's step, of its compiled step, and of its memory."""

BATCH_SIZES = {"layer": 128, "layer-10": 10}
"""Batch size of each part."""

REPEATS = 5


def run(arguments: argparse.Namespace) -> bool:
    """Measure every form at one batch size."""
    device = arguments.device
    is_gpu = device.type == "cuda"
    forms = [name for name in EAGER if name != PEER]
    forms += [*(COMPILED if is_gpu or arguments.compile else ()), *(ON_GPU if is_gpu else ())]
    deadline = time.perf_counter() + arguments.seconds
    batch_size = 2 if arguments.small else BATCH_SIZES[arguments.part]
    return _measure(forms, Work(batch_size, device), 2 if arguments.small else REPEATS, deadline)


def _measure(forms: list[str], work: Work, repeats: int, deadline: float) -> bool:
    """Measure forms one after another, each in turns with the published one."""
    torch.compiler.reset()
    steps = max(1, (2560 if work.device.type == "cuda" else 4) // work.batch_size)
    peer = build(PEER, work)
    peer.seconds.append(peer.turn(steps) / steps)
    say(f"batch {work.batch_size}: {_words(PEER, peer, peer)}")
    found = {PEER: (1.0, 1.0)}
    longest = 0.0
    for name in forms:
        started = time.perf_counter()
        if started + longest > deadline:
            say(f"batch {work.batch_size}: {name}: no time was left")
            continue
        try:
            form = build(name, work)
        except Exception as error:  # whatever a form raises, the others are measured
            say(f"batch {work.batch_size}: {name}: left out: {type(error).__name__}: {error}")
            continue
        peer.seconds.clear()
        for _ in range(repeats):
            form.seconds.append(form.turn(steps) / steps)
            peer.seconds.append(peer.turn(steps) / steps)
        say(f"batch {work.batch_size}: {_words(name, form, peer)}")
        found[name] = _ratios(form, peer)
        longest = max(longest, time.perf_counter() - started)
        del form
        gc.collect()
        release_gpu_memory(work.device)
    return _judge(found, work)


def _judge(found: dict[str, tuple[float, float]], work: Work) -> bool:
    ours = {name: ratios for name, ratios in found.items() if name.startswith("this project")}
    best = min(ours, key=lambda name: ours[name][0])
    step, memory = ours[best]
    at = f"batch {work.batch_size}, {best}"
    kept = [
        judge(f"{at}: step over published eager", step, STEP_RATIO, work.device, least=False),
        judge(f"{at}: memory over published eager", memory, MEMORY_RATIO, work.device, least=False),
    ]
    if "published, compiled" in found:
        ratio = step / found["published, compiled"][0]
        claim = f"{at}: step over published compiled"
        kept.append(judge(claim, ratio, COMPILED_RATIO, work.device, least=False))
    return all(kept)


def _ratios(form: Measured, peer: Measured) -> tuple[float, float]:
    return median(form.seconds) / median(peer.seconds), form.peak_bytes / peer.peak_bytes


def _words(name: str, form: Measured, peer: Measured) -> str:
    step, memory = _ratios(form, peer)
    return (
        f"{name}: {1e3 * median(form.seconds):.2f} ms a step, ratio {step:.2f}; "
        f"{form.peak_bytes / 2**20:.0f} MiB, ratio {memory:.2f}"
    )
