"""Conversion of any network: its k×k convolutions become another spatial layer."""

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from pnn_core.config import DatasetShape, ModelConfig, ParameterValue, TrialConfig
from pnn_core.config.checks import require_choice, require_known
from pnn_core.layers.initialisation import draw_published_weights
from pnn_core.parts.feature_map import FeatureMap
from pnn_core.parts.layer_place import LayerPlace
from pnn_core.parts.layers import LAYER_SETTINGS, SPATIAL_LAYERS
from pnn_core.rng.seeds import Seeds

_OTHER_CONVOLUTIONS = (
    nn.Conv1d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversion:
    """A converted network, and what became of each k×k convolution.

    1×1 convolutions see no neighbours; they stay and are not listed.

    Attributes:
        network: Copy of the network with other layers.
        turned: Names of the convolutions that were turned, in the network's order.
        kept: Reason for each convolution that was not, by name.
    """

    network: nn.Module
    turned: tuple[str, ...]
    kept: Mapping[str, str]

    def __str__(self) -> str:
        """List both."""
        kept = [f"  {name}: {reason}" for name, reason in self.kept.items()]
        turned = [f"  {name}" for name in self.turned]
        return "\n".join([f"turned {len(turned)}:", *turned, f"kept {len(kept)}:", *kept])


def convert(
    module: nn.Module,
    example: torch.Tensor,
    layer: str = "perturbation",
    *,
    keep: Collection[str] = (),
    keep_first: bool = True,
    seed: int = 0,
    **settings: ParameterValue,
) -> Conversion:
    """Turn a network's k×k convolutions into another spatial layer.

    The new layer takes and gives maps of the shapes that the convolution took and gave: a stride
    becomes a max-pool of that size behind the layer, as in the published code, unless the new layer
    is a convolution itself. A depthwise convolution becomes a layer whose 1×1 combines the maps of
    each channel alone (`grouped`). All other modules keep their weights and settings::

        found = convert(torchvision.models.resnet18(), torch.zeros(1, 3, 224, 224), noise_level=0.5)
        print(found)                 # which were turned, and which not and why
        found.network(images)

    Args:
        module: Network; it stays as it is.
        example: Input of the size that the network will see, `[batch, channels, height, width]`:
            masks are as large as the maps that come of it.
        layer: Name of the spatial layer in `SPATIAL_LAYERS`.
        keep: Names of convolutions to keep, as `named_modules` has them.
        keep_first: True if the first convolution that is called stays, as in the published code.
        seed: Seed of masks and of the new weights; torch's global random state is left as it was.
        **settings: Settings of the layer, such as `noise_level`, `fan_out` or `order`, by the names
            of `TrialConfig`'s fields; and `initialisation` of the new weights.

    Raises:
        ValueError: There is no layer, setting or convolution of that name, a value is not accepted,
            or no convolution can be turned; the last says why.
    """
    require_choice("layer", layer, SPATIAL_LAYERS)
    for name in settings:
        require_known("a setting of a layer", name, sorted(LAYER_SETTINGS | {"initialisation"}))
    network = copy.deepcopy(module)
    calls = record_calls(network, example)
    for name in keep:
        require_known("a k×k convolution of this network", name, calls)
    config = _layer_config(layer, settings)
    masks = torch.Generator().manual_seed(Seeds.same(seed).generator_seed("masks"))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(Seeds.same(seed).generator_seed("initialisation"))
        found = turn(network, calls, config, masks, keep=keep, keep_first=keep_first)
    if not found.turned:
        raise ValueError(f"no k×k convolution can be turned into {layer}: {_reasons(found.kept)}")
    return found


@dataclass
class Call:
    """Calls of one convolution while the network ran on the example.

    Attributes:
        module: The convolution.
        order: Place of its first call among those of all convolutions; None if it was not called.
        shapes: Shapes of what went in and came out of each call, without the batch.
    """

    module: nn.Module
    order: int | None
    shapes: list[tuple[torch.Size, torch.Size]]


def record_calls(network: nn.Module, example: torch.Tensor) -> dict[str, Call]:
    """Run a network on an example and return the calls of each convolution that is not 1×1."""
    by_module = dict[nn.Module, Call]()
    called = 0

    def record(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal called
        call = by_module[module]
        if call.order is None:
            call.order = called
        called += 1
        call.shapes.append((inputs[0].shape[1:], output.shape[1:]))

    calls, handles = dict[str, Call](), []
    for name, module in network.named_modules(remove_duplicate=False):
        if not isinstance(module, (nn.Conv2d, *_OTHER_CONVOLUTIONS)) or _is_pointwise(module):
            continue
        if module not in by_module:
            by_module[module] = Call(module=module, order=None, shapes=[])
            handles.append(module.register_forward_hook(record))
        calls[name] = by_module[module]
    was_training = {module: module.training for module in network.modules()}
    try:
        with torch.no_grad():
            network.eval()(example)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in was_training.items():
            module.training = training
    return calls


def turn(
    network: nn.Module,
    calls: Mapping[str, Call],
    config: ModelConfig,
    masks: torch.Generator,
    *,
    keep: Collection[str] = (),
    keep_first: bool = True,
    every: bool = False,
) -> Conversion:
    """Turn a network's convolutions in place; new weights come from torch's global generator.

    Args:
        network: Network, which is changed.
        calls: Its calls, from `record_calls`.
        config: Settings of which those of the layer matter.
        masks: CPU source of the randomness of masks and filters.
        keep: Names of convolutions to keep.
        keep_first: True if the first convolution that is called stays.
        every: True to refuse a layer that cannot stand where others can, so that networks that are
            compared differ in the layer alone.

    Raises:
        ValueError: The layer cannot stand in the place of some convolution, with `every`.
    """
    kept, turned = dict[str, str](), list[str]()
    built = dict[nn.Module, nn.Module]()
    first = min((c.order for c in calls.values() if c.order is not None), default=None)
    for name, call in calls.items():
        is_first = keep_first and call.order == first
        reason = _reason_to_keep(call, is_kept=name in keep, is_first=is_first)
        refusal = "" if reason else _reason_of_layer(call.module, config)
        if refusal and every:
            raise ValueError(
                f"layer {config.layer} cannot stand for the convolution {name} of "
                f"{config.network}: {refusal}"
            )
        if reason or refusal:
            kept[name] = reason or refusal
            continue
        turned.append(name)
        if call.module not in built:
            built[call.module] = _replacement(call, config, masks)
    for name in turned:
        replacement = built[calls[name].module]
        if not name:
            return Conversion(network=replacement, turned=("",), kept={})
        network.set_submodule(name, replacement)
    return Conversion(network=network, turned=tuple(turned), kept=kept)


def _is_pointwise(module: nn.Module) -> bool:
    sizes: Any = module.kernel_size
    return all(size == 1 for size in sizes)


def _layer_config(layer: str, settings: Mapping[str, ParameterValue]) -> ModelConfig:
    """Return a network's settings of which only those of its layer matter."""
    fan_out = settings.get("fan_out", 1)
    # The layer's width comes from the convolution that it replaces.
    shape = DatasetShape(channels=1, height=1, width=1, classes=2)
    base = TrialConfig(model=ModelConfig(dataset=shape, mask_count=1))
    return base.with_parameters({"layer": layer, "mask_count": fan_out, **settings}).model


def _reason_to_keep(call: Call, *, is_kept: bool, is_first: bool) -> str:
    """Say why a convolution stays, whatever the layer; empty if it can be turned."""
    conv = call.module
    if is_kept:
        return "named in keep"
    if call.order is None:
        return "not called by the example"
    if is_first:
        return "first convolution (keep_first)"
    if not isinstance(conv, nn.Conv2d):
        return f"{type(conv).__name__}, not a Conv2d"
    if len(set(call.shapes)) > 1:
        return f"called with maps of {len(set(call.shapes))} sizes: masks have one"
    if max(conv.dilation) > 1:
        return f"dilation {conv.dilation}"
    (channels, height, width), outputs = call.shapes[0]
    del channels
    expected = tuple(
        -(-side // step) for side, step in zip((height, width), conv.stride, strict=True)
    )
    if outputs[1:] != expected:
        return (
            f"padding {conv.padding} gives maps of {outputs[1]}×{outputs[2]}: a layer that keeps "
            f"the size gives {expected[0]}×{expected[1]}"
        )
    if conv.groups not in (1, conv.in_channels):
        return f"{conv.groups} groups of several channels"
    return ""


def _reason_of_layer(conv: nn.Module, config: ModelConfig) -> str:
    """Say why a convolution that can be turned cannot become this layer; empty if it can."""
    entry = SPATIAL_LAYERS[config.layer]
    if conv.groups == 1 or entry.stands_depthwise:
        return ""
    if entry.as_convolution:
        return f"depthwise: {config.layer} would mix its channels"
    if "grouped" not in entry.uses:
        return f"depthwise, and {config.layer} has no such form"
    return ""


def _replacement(call: Call, config: ModelConfig, masks: torch.Generator) -> nn.Module:
    """Build the layer that stands for a convolution."""
    conv = call.module
    assert isinstance(conv, nn.Conv2d)  # noqa: S101  # others are kept
    (channels, height, width), _ = call.shapes[0]
    entry = SPATIAL_LAYERS[config.layer]
    depthwise = conv.groups > 1
    if depthwise and not entry.stands_depthwise:
        config = replace(config, grouped=True)
    stride: Any = conv.stride
    own_stride = entry.as_convolution and stride[0] == stride[1]
    place = LayerPlace(
        inputs=FeatureMap(channels=channels, height=height, width=width),
        out_channels=conv.out_channels,
        stride=stride[0] if own_stride else 1,
        bias=conv.bias is not None,
        depthwise=depthwise,
    )
    layer = entry.build(config, place, masks)
    if config.initialisation == "published":
        draw_published_weights(layer)
    if max(stride) > 1 and not own_stride:
        layer = nn.Sequential(layer, nn.MaxPool2d(stride, ceil_mode=True))
    layer.train(conv.training)
    if torch.get_default_device().type == "meta":  # of which shapes alone are asked
        return layer
    return layer.to(device=conv.weight.device, dtype=conv.weight.dtype)


def _reasons(kept: Mapping[str, str]) -> str:
    if not kept:
        return "the network calls none"
    shown = [f"{name or 'the module'}: {reason}" for name, reason in [*kept.items()][:3]]
    return "; ".join(shown) + ("; …" if len(kept) > len(shown) else "")
