"""Training runs as bytes: what is read back is whole, of the same run, and holds no code."""

import hashlib
import io
import pickle
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_VERSION = 1
"""Of the bytes and of the states in them: to be raised when either is laid out otherwise."""

_WORD = f"pnn-checkpoint/{_VERSION}\n".encode()
_ANY_WORD = re.compile(rb"pnn-checkpoint/(\d{1,9})\n")
_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointError(ValueError):
    """Bytes that a training run cannot go on from."""


def encode_checkpoint(identity: str, states: Sequence[Mapping[str, Any]]) -> bytes:
    """Put the states of training runs into bytes.

    A word that names the version, the SHA-256 of the rest, then what `torch.save` writes.

    Args:
        identity: Tells these training runs from all others.
        states: From `state_dict` of each.
    """
    payload = io.BytesIO()
    torch.save({"identity": identity, "states": [dict(state) for state in states]}, payload)
    content = payload.getbuffer()
    return b"".join((_WORD, hashlib.sha256(content).digest(), content))


def decode_checkpoint(data: bytes, identity: str, device: torch.device) -> list[dict[str, Any]]:
    """Read states back, to be given to `load_state_dict`.

    Args:
        data: From `encode_checkpoint`.
        identity: Of the training runs that are to go on.
        device: Where the states' tensors are put, whichever device they were saved on.

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
        # An identity may be as long as a configuration: not for a message.
        raise CheckpointError("checkpoint belongs to another training run")
    states: list[dict[str, Any]] = payload["states"]
    return states


def snapshot(state: Mapping[str, Any]) -> dict[str, Any]:
    """A copy, on the CPU, that shares no memory with the state.

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
    """What `torch.save` wrote, if it is all there."""
    word = _ANY_WORD.match(data)
    if word is not None and int(word[1]) != _VERSION:
        raise CheckpointError(
            f"checkpoint was written by another version (={int(word[1])}), and this one reads "
            f"version {_VERSION}"
        )
    start = len(_WORD) + _DIGEST_BYTES
    content = memoryview(data)[start:]
    if word is None or data[len(_WORD) : start] != hashlib.sha256(content).digest():
        raise CheckpointError("checkpoint is torn or corrupt")
    return content
