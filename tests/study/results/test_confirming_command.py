from dataclasses import replace

from study.results.confirming_command import confirming_command


def test_a_study_is_confirmed_by_another_of_its_space_and_budget(info):
    study = replace(info, space="my spaces/a.py", dataset="mnist", trials=24, epochs=4)
    assert confirming_command(study) == (
        "python -m study.run --space 'my spaces/a.py' --dataset mnist --trials 24 --epochs 4 "
        "--confirm 8"
    )


def test_a_trial_run_again_is_confirmed_by_its_key(info):
    command = confirming_command(replace(info, space="honest:17"))
    assert command == "python -m study.run --rerun honest:17 --confirm 8"
