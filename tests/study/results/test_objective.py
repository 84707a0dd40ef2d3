import pytest

from pnn_core.config import Costs, EpochResult
from study.results.objective import OBJECTIVES, parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState


def test_objectives_keep_the_order_of_the_command_line():
    objectives = parse_objectives("learnable_params, val_accuracy")
    assert [o.name for o in objectives] == ["learnable_params", "val_accuracy"]
    assert [o.maximised for o in objectives] == [False, True]


def test_an_unknown_objective_is_named_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"'val_acuracy' is not.*did you mean val_accuracy\?"):
        parse_objectives("val_acuracy")


@pytest.mark.parametrize("names", ["", "val_loss,", ","])
def test_an_empty_name_is_refused(names):
    with pytest.raises(ValueError, match="'' is not an objective"):
        parse_objectives(names)


def test_an_objective_named_twice_is_refused():
    with pytest.raises(ValueError, match="'macs' is named twice"):
        parse_objectives("macs,val_loss, macs")


def test_every_objective_is_a_metric_of_a_complete_trial():
    result = EpochResult(
        epoch=1, train_loss=1, val_loss=1, val_accuracy=0.5, train_seconds=1, val_seconds=1
    )
    record = RunRecord(
        key=RunKey(0),
        state=RunState.COMPLETE,
        parameters={},
        costs=Costs(learnable_params=1, mask_values=1, macs=1),
        replicates=((result,),),
    )
    assert record.metrics().keys() == OBJECTIVES.keys()
