import pytest
from dash import html

from dashboards.elements import theme
from dashboards.live.address import Address
from dashboards.live.trial_panel import trial_panel
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from study.results.mlflow.live_reader import FollowedStudy
from study.results.study_request import StudyControl


@pytest.fixture
def panel_of(make_trial, study_of):
    """Return the components of a kind in a trial's panel, where a tracker has its study."""

    def find(uri, kind):
        study = study_of([make_trial(0)])
        followed = FollowedStudy(
            study=study,
            experiment_id="1",
            run_ids={0: "a"},
            parent_run_id="p",
            is_running=False,
            control=StudyControl(),
        )
        scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
        panel = trial_panel(scene, followed, Address(trial=0), theme.Theme.LIGHT, uri)
        return [part for part in panel._traverse() if isinstance(part, kind)]

    return find


def test_the_command_that_shows_a_run_can_be_typed_whatever_the_folders_name(panel_of):
    uri = "sqlite:////home/my studies/mlflow.db"
    assert panel_of(uri, html.Code)[-1].children == f"mlflow ui --backend-store-uri '{uri}'"


@pytest.mark.parametrize("user", ["", "me:***@"])
def test_the_link_to_a_run_has_no_masked_password_in_it(panel_of, user):
    (link, *_) = panel_of(f"https://{user}host:5000/mlflow/", html.A)
    assert link.href == (
        "https://host:5000/mlflow/#/experiments/1/runs/a?workflowType=machine_learning"
    )
