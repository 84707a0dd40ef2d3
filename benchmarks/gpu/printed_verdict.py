"""Lines that each part of the plan prints as it goes: measurements, verdicts, the machine."""

import platform
import time

import torch
from machine import print_footer, processor

from pnn_core.device.selection import describe_device

STARTED = time.perf_counter()


def say(text: str) -> None:
    """Print a line at once, with the seconds since the start."""
    print(f"[{time.perf_counter() - STARTED:6.1f} s] {text}", flush=True)


def judge(claim: str, value: float, bound: float, device: torch.device, *, least: bool) -> bool:
    """Print a verdict.

    Args:
        claim: Claim, in words.
        value: Measured value.
        bound: Bound that it must keep.
        device: Device that was measured; on a CPU nothing is judged, as all bounds are a GPU's.
        least: True if the value must be at least the bound, False for at most.

    Returns:
        False if the claim was judged and missed.
    """
    kept = value >= bound if least else value <= bound
    verdict = ("PASS" if kept else "MISS") if device.type == "cuda" else "not judged on a CPU"
    wanted = f"at {'least' if least else 'most'} {bound:g}"
    say(f"VERDICT {verdict}: {claim}: {value:.3g}, wanted {wanted}")
    return kept or device.type != "cuda"


def footer(device: torch.device) -> None:
    """Print the command, the card and the versions."""
    cuda = {"CUDA": str(torch.version.cuda)} if device.type == "cuda" else {}
    name = describe_device(device) if device.type == "cuda" else processor()
    print_footer({"Python": platform.python_version(), "torch": torch.__version__, **cuda}, name)
