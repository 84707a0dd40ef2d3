"""A query chooses trials by its grammar alone, whoever wrote it."""

import ast
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.results.run_record import RunKey, RunRecord, RunState
from study.results.trial_query import LONGEST, TrialQuery


def trial(number: int, state: RunState = RunState.PAUSED, **parameters) -> RunRecord:
    return RunRecord(key=RunKey(number), state=state, parameters=parameters)


TRIALS = (
    trial(0, fan_out=1, noise_level=0.1, network="resnet8", unique_masks=True),
    trial(1, fan_out=2, noise_level=0.5, network="resnet18", unique_masks=False),
    trial(2, RunState.FAILED, fan_out=4, network="resnet18", unique_masks=True),
)


def chosen(query: str) -> list[int]:
    return [record.number for record in TrialQuery(query).select(TRIALS)]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, 1, 2]),
        ("fan_out == 2", [1]),
        ("fan_out >= 2 and network == 'resnet18'", [1, 2]),
        ("not (fan_out == 1 or trial == 2)", [1]),
        ("0.05 < noise_level <= 0.5", [0, 1]),
        ("noise_level < 100", [0, 1]),  # trial 2 has none
        ("noise_level != 0.1", [1]),
        ("not noise_level == 0.1", [1, 2]),
        ("unique_masks == True", [0, 2]),
        ("state == 'failed'", [2]),
        ("state != 'complete' and val_accuracy > 0.9", []),
        ("fan_out > -1", [0, 1, 2]),
        ("initialisation == 'torch'", [0, 1, 2]),  # what older records do not say
    ],
)
def test_it_chooses_the_trials_that_meet_it(query: str, numbers: list[int]) -> None:
    assert chosen(query) == numbers


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("fan_out", "'fan_out' is no comparison"),
        ("fan_out =", "is no query"),
        ("fan_out = 2", "is no query"),
        ("__import__('os').system('true') == 0", "is no name, number or text"),
        ("fan_out.real == 1", "is no name, number or text"),
        ("fan_out in (1, 2)", "is no comparison"),
        ("(lambda: 1)() == 1", "is no name, number or text"),
        ("fan_out == 1 if 1 else 2", "is no comparison"),
        ("2 ** 10 ** 10 == 1", "is no name, number or text"),
        ("fan_outt == 2", "did you mean fan_out"),
        ("network > 2", "one is a text"),
        ("fan_out == 2;", "is no query"),
        ("fan_out == \x00", "is no query"),
        ("not " * 100 + "fan_out == 2", "brackets in each other"),
        ("(" * 300 + "fan_out == 2" + ")" * 300, "is no query"),
        ("fan_out == 1 or " * 100 + "fan_out == 2", f"at most {LONGEST} characters"),
        ("fan_out == b'1'", "is no name, number or text"),
        ("fan_out == f'{network}'", "is no name, number or text"),
        ("fan_out == 1j", "is no name, number or text"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(query: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        chosen(query)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_choose_or_be_refused(text: str) -> None:
    try:
        assert set(chosen(text)) <= {0, 1, 2}
    except ValueError:
        return


COMPARED = st.builds(
    "{} {} {}".format,
    st.sampled_from(["fan_out", "trial"]),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.integers(-5, 5),
)
QUERIES = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=5,
)


@given(QUERIES)
def test_it_means_what_python_means(query: str) -> None:
    meaning: Callable[..., bool] = eval(f"lambda fan_out, trial: {query}")
    expected = [r.number for r in TRIALS if meaning(r.parameters["fan_out"], r.number)]
    assert chosen(query) == expected
    assert ast.parse(query)
