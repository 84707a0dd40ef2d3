from hypothesis import given
from hypothesis import strategies as st

from dashboards.elements.layers import in_order, layer_look
from study.results.paired_comparison import LAYER_NAMES


def test_every_layer_differs_from_the_others_in_symbol_and_in_colour():
    looks = [layer_look(layer) for layer in (*LAYER_NAMES, "new")]
    assert len({look.symbol for look in looks}) == len({look.colour for look in looks}) == 5
    assert [look.name for look in looks] == ["perturbation", "1×1", "3×3", "local binary", "new"]


@given(st.lists(st.sampled_from(["zeta", "alpha", *LAYER_NAMES])))
def test_layers_stand_once_known_ones_first(layers):
    order = [*LAYER_NAMES, "alpha", "zeta"]
    assert in_order(layers) == [layer for layer in order if layer in layers]
