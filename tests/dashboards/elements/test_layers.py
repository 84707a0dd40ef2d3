import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.elements.layers import in_order, layer_look
from pnn_core.parts import palette
from pnn_core.parts.layers import SPATIAL_LAYERS
from study.results.layer_result import LAYER_NAMES


def test_every_layer_differs_from_the_others_in_its_symbol():
    looks = [layer_look(layer) for layer in (*SPATIAL_LAYERS, "new")]
    assert len({look.symbol for look in looks}) == len(looks)
    assert [look.name for look in looks] == [*(e.label for e in SPATIAL_LAYERS.values()), "new"]


@pytest.mark.parametrize("layer", SPATIAL_LAYERS)
def test_plotly_knows_the_marker_of_every_layer(layer):
    look = layer_look(layer)
    # Published figures have the open form.
    for symbol in (look.symbol, f"{look.symbol}-open"):
        go.Scatter(marker={"symbol": symbol, "color": look.colour})


def test_layers_and_their_looks_stay_what_readers_of_earlier_pictures_know():
    names = ("perturbation", "conv1x1", "conv3x3", "local_binary")
    assert [tuple(layer_look(name)) for name in names] == [
        ("perturbation", "diamond", "#d55e00"),
        ("1×1", "circle", "#0072b2"),
        ("3×3", "square", "#009e73"),
        ("local binary", "triangle-up", "#cc79a7"),
    ]
    assert in_order(reversed(names)) == [*names]


def test_layers_of_noise_read_as_a_family():
    reds = {palette.VERMILION, palette.ORANGE}
    noise = {"perturbation", "noise_off", "constant_masks", "fresh_masks", "blurred_masks"}
    assert {name for name in SPATIAL_LAYERS if layer_look(name).colour in reds} == noise
    symbols = [layer_look(name).symbol for name in noise - {"blurred_masks"}]
    assert all("diamond" in symbol for symbol in symbols)


@given(st.lists(st.sampled_from(["zeta", "alpha", *LAYER_NAMES])))
def test_layers_stand_once_known_ones_first(layers):
    order = [*LAYER_NAMES, "alpha", "zeta"]
    assert in_order(layers) == [layer for layer in order if layer in layers]
