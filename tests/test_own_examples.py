"""Files that bring one's own: the page shows each whole, and each is accepted as it stands."""

from pathlib import Path

import pytest

from study.planning.arguments import parse_arguments
from study.planning.own_code import with_own_code

ROOT = Path(__file__).parents[1]
EXAMPLES = {
    "own_data.py": "--dataset {}",
    "own_objective.py": "--objectives {}:faded_accuracy:maximize",
    "own_layer.py": "--layer-file {}",
    "own_network.py": "--network {}",
    "own_sampler.py": "--sampler {}",
}


@pytest.mark.parametrize(("name", "words"), EXAMPLES.items())
def test_the_page_shows_each_example_whole_and_it_is_accepted(name: str, words: str) -> None:
    path = ROOT / "examples" / name
    assert path.read_text("utf-8") in (ROOT / "docs/own.md").read_text("utf-8")
    typed = ["--space", "noise_masks", *words.format(path).split()]
    (code,) = with_own_code(parse_arguments(typed)).own
    assert Path(code.path) == path
