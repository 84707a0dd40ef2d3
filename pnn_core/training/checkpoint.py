"""Training runs as bytes; what is read back is complete, of the same run, and holds no code."""

import hashlib
import io
import pickle
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_VERSION = 1
"""Version of the bytes and of the states in them; raise it when either is laid out differently."""

_HEADER = f"pnn-checkpoint/{_VERSION}\n".encode()
_HEADER_PATTERN = re.compile(rb"pnn-checkpoint/(\d{1,9})\n")
_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointError(ValueError):
    """Bytes that a training run cannot be restored from."""


def encode_checkpoint(identity: str, states: Sequence[Mapping[str, Any]]) -> bytes:
    """Encode the states of training runs.

    The bytes are a header with the version, the SHA-256 of the rest, then what `torch.save` writes.

    Args:
        identity: Name that tells these training runs from all others.
        states: State of each run, from its `state_dict`.
    """
    payload = io.BytesIO()
    torch.save({"identity": identity, "states": [dict(state) for state in states]}, payload)
    content = payload.getbuffer()
    return b"".join((_HEADER, hashlib.sha256(content).digest(), content))


def decode_checkpoint(data: bytes, identity: str, device: torch.device) -> list[dict[str, Any]]:
    """Decode states, to be given to `load_state_dict`.

    Args:
        data: Bytes from `encode_checkpoint`.
        identity: Identity of the training runs to restore.
        device: Device that the tensors are put on, whichever device they were saved on.

    Raises:
        CheckpointError: The bytes are torn or corrupt, hold anything but tensors and plain values,
            were written by another version, or belong to other training runs.
    """
    content = _verified(data)
    try:
        # Without weights_only, whoever writes such a file could run code here: a digest that
        # needs no key keeps nobody out.
        payload = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError("checkpoint holds more than tensors and plain values") from error
    if payload["identity"] != identity:
        # The message leaves the identity out, which may be as long as a configuration.
        raise CheckpointError("checkpoint belongs to another training run")
    states: list[dict[str, Any]] = payload["states"]
    return states


def snapshot(state: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a state to the CPU; the copy shares no memory with it.

    Args:
        state: Tensors and plain values, in lists, tuples and mappings.
    """
    return {key: _copied(value) for key, value in state.items()}


def _copied(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return snapshot(value)
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    return value


def _verified(data: bytes) -> memoryview:
    """Return what `torch.save` wrote, once the header and the digest are checked."""
    header = _HEADER_PATTERN.match(data)
    if header is not None and int(header[1]) != _VERSION:
        raise CheckpointError(
            f"checkpoint was written by another version (={int(header[1])}), and this one reads "
            f"version {_VERSION}"
        )
    start = len(_HEADER) + _DIGEST_BYTES
    content = memoryview(data)[start:]
    if header is None or data[len(_HEADER) : start] != hashlib.sha256(content).digest():
        raise CheckpointError("checkpoint is torn or corrupt")
    return content
