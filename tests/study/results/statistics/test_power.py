import numpy as np
import pytest
from scipy import stats

from study.results.statistics.power import largest_spread


# Effects that a paired t test detects with a power of 80% at 5%, as G*Power's manual has them.
@pytest.mark.parametrize(("seeds", "effect"), [(5, 1.68), (8, 1.16), (10, 1.00)])
def test_effects_are_those_of_printed_tables(seeds, effect):
    assert 1 / largest_spread(1.0, seeds) == pytest.approx(effect, abs=0.01)


def test_four_of_five_simulated_experiments_find_the_difference():
    spread = largest_spread(0.005, 8)
    values = np.random.default_rng(0).normal(0.005, spread, (4000, 8))
    found = stats.ttest_1samp(values, 0, axis=1).pvalue <= 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_too_few_seeds_detect_nothing():
    with pytest.raises(ValueError, match="at least 3"):
        largest_spread(0.005, 2)


def test_more_comparisons_bear_less_spread_as_a_simulation_at_the_adjusted_level_shows() -> None:
    spread = largest_spread(0.005, 8, comparisons=5)
    assert spread < largest_spread(0.005, 8)
    differences = np.random.default_rng(0).normal(0.005, spread, size=(20_000, 8))
    p = stats.ttest_1samp(differences, 0.0, axis=1).pvalue
    assert np.mean(p < 0.05 / 5) == pytest.approx(0.8, abs=0.01)
