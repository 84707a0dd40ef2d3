import pytest
from dash import html

from dashboards.elements import theme
from dashboards.live.address import Address
from dashboards.live.trial_panel import trial_panel
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from study.results.mlflow.live_reader import FollowedStudy
from study.results.precision_recall import PrecisionRecall
from study.results.study_request import StudyControl


@pytest.fixture
def panel_of(make_trial, study_of):
    """Return the components of a kind in a trial's panel, where a tracker has its study."""

    def find(uri, kind, curves=None, **settings):
        study = study_of([make_trial(0, **settings)])
        followed = FollowedStudy(
            study=study,
            experiment_id="1",
            run_ids={0: "a"},
            parent_run_id="p",
            is_running=False,
            control=StudyControl(),
        )
        scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
        light, address = theme.Theme.LIGHT, Address(trial=0)
        panel = trial_panel(scene, followed, address, light, uri, lambda *_: curves)
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


def test_detections_are_shown_where_they_were_kept_and_only_of_detectors(panel_of):
    curve = PrecisionRecall(
        name="cell", objects=3, ap_50=0.5, ap_50_area=0.4, recall=(0.3,), precision=(1.0,)
    )
    (image,) = panel_of("sqlite:///mlflow.db", html.Img, (curve,), canvas=64)
    assert image.src == "detections/noise-1/0.png"
    assert image.alt.endswith("average precision: cell 0.500")
    titles = {part.children for part in panel_of("sqlite:///mlflow.db", html.H2, canvas=64)}
    assert "Precision and recall by class: trial 0" in titles
    assert not panel_of("sqlite:///mlflow.db", html.Img, canvas=64)
    titles = {part.children for part in panel_of("sqlite:///mlflow.db", html.H2)}
    assert "Precision and recall by class: trial 0" not in titles
