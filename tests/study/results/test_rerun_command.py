import dataclasses
import shlex

import pytest

from study.results.rerun_command import rerun_command


def test_a_trial_is_run_again_by_its_key(info):
    assert rerun_command("honest", 17, info, None) == "python -m study.run --rerun honest:17"


def test_what_a_shell_would_take_apart_is_quoted(info):
    uri = "sqlite:///my folder/$x.db"
    words = shlex.split(rerun_command("a b; rm -rf *", 0, info, uri))
    assert words[3:] == ["--rerun", "a b; rm -rf *:0", "--tracking-uri", uri]


def test_no_password_is_shown(info):
    command = rerun_command("honest", 1, info, "http://me:s3cret@host:5000")
    assert "s3cret" not in command
    assert shlex.split(command)[-1] == "http://me:***@host:5000"


@pytest.mark.parametrize("dataset", ["imagefolder", "imagenet100", "voc2007", "shards"])
def test_images_of_a_folder_need_their_folder(info, dataset):
    command = rerun_command("mine", 3, dataclasses.replace(info, dataset=dataset), None)
    assert command == "python -m study.run --rerun mine:3 --data-dir DIR"
