"""Networks for other programs: `torch.export` archives, and ONNX."""

import io
import warnings

import torch

from pnn_core.models.saved_network import TrainedNetwork, encode_card


class OnnxMissingError(ValueError):
    """The packages that write ONNX are not installed."""


def export_pt2(network: TrainedNetwork) -> bytes:
    """Export a network as an archive of `torch.export`, for any number of images.

    `torch.export.load` reads it where only torch is installed; the card is among its extra files.

    Args:
        network: Network as `load_network` gives it; its images are bytes.
    """
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(
            network, (_example(network),), dynamic_shapes=({0: torch.export.Dim("batch")},)
        )
        torch.export.save(exported, stream, extra_files=dict(encode_card(network.card)))
    return stream.getvalue()


def export_onnx(network: TrainedNetwork) -> bytes:
    """Export a network as ONNX, for any number of images; the card is in its metadata.

    Args:
        network: Network as `load_network` gives it; the model's input `images` are bytes, its
            output is `logits`.

    Raises:
        OnnxMissingError: The packages for it are not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise OnnxMissingError(
            f"ONNX needs the package {error.name}: pip install 'pnn-study[onnx]'"
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (_example(network),),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch exported no ONNX model")
    program.model.metadata_props.update(encode_card(network.card))
    content: bytes = program.model_proto.SerializeToString()
    return content


def _example(network: TrainedNetwork) -> torch.Tensor:
    """Return two images: of one, an exporter would take the batch to be always one."""
    shape = network.card.trial.model.dataset
    return torch.zeros(2, shape.channels, shape.height, shape.width, dtype=torch.uint8)
