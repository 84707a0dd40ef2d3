from dash import html

from dashboards.elements import look
from dashboards.live.address import Address
from dashboards.live.trial_panel import trial_panel
from dashboards.view_options import ViewOptions
from dashboards.views import Scene
from study.results.mlflow.feed import FollowedStudy


def test_the_command_that_shows_a_run_can_be_typed_whatever_the_folders_name(make_trial, study_of):
    study = study_of([make_trial(0)])
    followed = FollowedStudy(study=study, experiment_id="1", run_ids={0: "abc"}, is_running=False)
    scene = Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0)
    uri = "sqlite:////home/my studies/mlflow.db"
    panel = trial_panel(scene, followed, Address(trial=0), look.Theme.LIGHT, uri)
    commands = [part.children for part in panel._traverse() if isinstance(part, html.Code)]
    assert commands[-1] == f"mlflow ui --backend-store-uri '{uri}'"
