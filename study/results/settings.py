"""Settings of a study, each declared once.

A field of the classes below is all that there is to say of a setting. From it follow its flag and
help, its place in `study.json`, what a resumed study may change of it, what a trial that is run
again takes it from, and its spelling in MLflow. A new setting is one field, and the code that
reads it from the `StudyConfig` or, where MLflow shows it, from the `StudyInfo`.
"""

from dataclasses import dataclass
from pathlib import Path

from pnn_core.parts.dataset_names import DATASET_NAMES
from pnn_core.parts.network_libraries import LIBRARIES
from pnn_core.parts.networks import NETWORKS
from study.results.confirmed_choice import (
    ALL,
    DEFAULT_CONTROLS,
    FRONT,
    NONE,
    read_confirmed_trials,
    read_controls,
)
from study.results.enqueued_points import read_enqueued, read_prior
from study.results.fresh_seeds import MOST_FRESH_SEEDS
from study.results.limit import Limits, parse_limits
from study.results.objective import Objective, parse_objectives
from study.results.resources import Resources
from study.results.setting import (
    OF_STUDY,
    OF_TRIAL,
    PARAMETER,
    TAG,
    Group,
    OnRerun,
    OnResume,
    option,
)
from study.results.setting_readers import (
    FRONT_WEIGHTS,
    NO_LOG,
    TENSORBOARD,
    WANDB,
    read_augment,
    read_init,
    read_log,
    read_weights,
)
from study.results.tuning_grid import DEFAULT_TUNED, read_tuned_settings

FIFO = "fifo"
"""Runs each trial to its full budget."""

MOASHA = "moasha"
"""Stops trials early: asynchronous successive halving for several objectives."""

SCHEDULERS = (FIFO, MOASHA)

DEFAULT_TRIALS = 24
DEFAULT_EPOCHS = 4
"""Enough for the digits on two cores within a minute; larger data wants more."""

DEFAULT_OBJECTIVES = "val_accuracy,learnable_params"

DEFAULT_REDUCTION_FACTOR = 3
"""η, as in the papers on successive halving: of those that reach a rung, one in three goes on."""

LARGEST_SEED = 2**32 - 1
"""Largest seed of the samplers' random generators."""


@dataclass(frozen=True, kw_only=True)
class ShownSettings:
    """Settings that MLflow shows, so that readers know them.

    None stands for a default that depends on the rest.
    """

    dataset: str = option(
        "digits",
        group=Group.FIRST,
        metavar="NAME",
        help=f"digits (default, embedded), {', '.join(DATASET_NAMES[1:])} or a .py file with "
        "images of your own",
        on_rerun=OF_STUDY,
        shown=PARAMETER | TAG,
    )
    trials: int | None = option(
        None,
        group=Group.FIRST,
        metavar="N",
        help=f"trials to run (default: {DEFAULT_TRIALS}, or the whole grid)",
        least=1,
        on_resume=OnResume.GROWS,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
    )
    epochs: int = option(
        DEFAULT_EPOCHS,
        group=Group.FIRST,
        metavar="N",
        help=f"full budget of a trial (default: {DEFAULT_EPOCHS})",
        least=1,
        on_rerun=OF_TRIAL,
        shown=PARAMETER,
    )
    seed: int = option(
        0,
        group=Group.SEARCHED,
        metavar="N",
        help="seed of the study: trial n trains with the seeds from N + n * replicates on",
        least=0,
        most=LARGEST_SEED,
        on_rerun=OF_TRIAL,  # trial 0 of a study has the study's own seed and those that follow
        shown=PARAMETER | TAG,
    )
    objectives: tuple[Objective, ...] = option(
        parse_objectives(DEFAULT_OBJECTIVES),
        group=Group.SEARCHED,
        metavar="A,B",
        help=f"metrics to optimise (default: {DEFAULT_OBJECTIVES}; in "
        "detection val_map_50,backbone_params); also latency_ms, peak_memory_bytes, file_bytes, "
        "and functions of your own, FILE.py:NAME:minimize",
        read=parse_objectives,
        on_rerun=OF_STUDY,
        shown=PARAMETER,
    )
    sampler: str | None = option(
        None,
        group=Group.SEARCHED,
        metavar="NAME",
        help="tpe (default), nsga2, gp, random, ehvi (expected hypervolume improvement, costs "
        "known), grid (default of the paper's tables) or a sampler of your own, FILE.py:FUNCTION",
        on_rerun=OnRerun.DEFAULT,
        shown=PARAMETER,
    )
    limit: Limits = option(
        (),
        group=Group.SEARCHED,
        metavar="CONDITION",
        help="condition beyond which no trial is on the front, such as 'learnable_params<=50000' "
        "or 'val_accuracy>0.9'; costs that are known before training are never trained beyond it; "
        "may be given several times",
        read=parse_limits,
        joined=",",
        on_resume=OnResume.WITH_CONFIRM,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
        may_lack=True,
    )
    scheduler: str = option(
        FIFO,
        group=Group.STOPPED,
        metavar="NAME",
        help="fifo (default): every trial is trained to its full budget; moasha: trials that "
        "others beat on all objectives at the same epoch are stopped",
        on_rerun=OnRerun.DEFAULT,
        shown=PARAMETER,
        may_lack=True,
    )
    reduction_factor: int | None = option(
        None,
        group=Group.STOPPED,
        metavar="N",
        help="trials, under moasha, of which one goes on from each rung; rungs are epochs N times "
        f"as far apart (default: {DEFAULT_REDUCTION_FACTOR})",
        least=2,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
        may_lack=True,
    )
    replicates: int = option(
        1,
        group=Group.HONEST,
        metavar="R",
        help="seeds of each trial, whose mean is its objective (default: 1)",
        least=1,
        on_rerun=OF_STUDY,
        shown=PARAMETER,
    )
    confirm: int = option(
        0,
        group=Group.FIRST,
        metavar="S",
        help="retrain the front, and controls of its size, with S fresh seeds on train and "
        "validation images once the search has ended, the test set being read in this step alone "
        "(default: 0, do not)",
        least=0,
        most=MOST_FRESH_SEEDS,
        on_resume=OnResume.GROWS,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
    )
    confirm_trials: str | None = option(
        None,
        group=Group.HONEST,
        metavar="WHICH",
        help=f"trials that --confirm takes: {FRONT} (default), {ALL} (default of a planned "
        "experiment) or numbers of trials, such as 0,3",
        read=read_confirmed_trials,
        on_resume=OnResume.WITH_CONFIRM,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
        may_lack=True,
    )
    controls: str | None = option(
        None,
        group=Group.HONEST,
        metavar="A,B",
        help=f"layers that --confirm compares each trial with at its size, also .py files "
        f"with layers of your own (default: {DEFAULT_CONTROLS}), or {NONE} (default of a planned "
        "experiment)",
        read=read_controls,
        on_resume=OnResume.WITH_CONFIRM,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
        may_lack=True,
    )
    tune_controls: str | None = option(
        None,
        group=Group.HONEST,
        metavar="SETTING",
        help="choose these settings anew for each network that --confirm trains, trials and "
        "controls alike, from a grid, by validation images and seeds of its own; such as "
        f"{DEFAULT_TUNED} (if none is named; 1/3, 1 and 3 times the trial's) or "
        "learning_rate=0.001,0.003",
        read=read_tuned_settings,
        alone=DEFAULT_TUNED,
        on_resume=OnResume.WITH_CONFIRM,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
        may_lack=True,
    )
    open_early: bool = option(
        False,
        group=Group.HONEST,
        help="show the test figures of a planned experiment before its last run has ended; this is "
        "recorded, and said on every page",
        on_resume=OnResume.FREE,
        on_rerun=OnRerun.DEFAULT,
        shown=TAG,
        may_lack=True,
    )


@dataclass(frozen=True, kw_only=True)
class Settings(ShownSettings, Resources):
    """All settings of a study, as they can be typed and as `study.json` keeps them."""

    data_dir: Path = option(
        Path("data"),
        group=Group.FIRST,
        after="dataset",
        metavar="DIR",
        help="folder of the data set, or to download it to (default: data)",
    )
    network: str | None = option(
        None,
        group=Group.SEARCHED,
        metavar="NAME",
        help=f"the network, in the place of the space's own: {', '.join(NETWORKS)}; "
        f"{' or '.join(f'{library}:NAME' for library in LIBRARIES)}, or a .py file with a function "
        "network, whose convolutions become the space's layer",
        on_rerun=OnRerun.DEFAULT,
        earlier="model",
    )
    layer_file: str | None = option(
        None,
        group=Group.SEARCHED,
        after="network",
        metavar="FILE.py",
        help="a spatial layer of your own, known by the file's name; it takes the place of the "
        "space's layer unless the space names it",
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    augment: str | None = option(
        None,
        group=Group.SEARCHED,
        after="layer_file",
        metavar="HOW",
        help="training images: none (as they are), crop (shifted at random by up to an eighth of "
        "the side) or crop_flip (mirrored too); default: as the space or the data set has it, "
        "crop for imagefolder and shards",
        read=read_augment,
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    canvas: int | None = option(
        None,
        group=Group.SEARCHED,
        after="augment",
        metavar="PIXELS",
        help="in detection, side of the square that images are letterboxed to (default: 320 for "
        "vocfolder, 608 for voc2007)",
        least=1,
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    init: str | None = option(
        None,
        group=Group.SEARCHED,
        after="canvas",
        metavar="WEIGHTS",
        help="in detection, weights to begin with: imagenet (torchvision's, for plain 3x3 networks "
        "of the published width) or NAME:TRIAL, a network of your own with the same layers, whose "
        "masks are drawn anew (default: drawn from the seed)",
        read=read_init,
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    enqueue: str | None = option(
        None,
        group=Group.SEARCHED,
        after="limit",
        metavar="POINT",
        help="points tried first: settings such as mask_count=32,noise_level=0.1 (the sampler "
        "chooses what is left out), a .csv file with a column for each setting, as front.csv is, "
        "or paper, the paper's best; may be given several times, and more by --resume",
        read=read_enqueued,
        joined=";",
        on_resume=OnResume.ADDED,
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    prior: str | None = option(
        None,
        group=Group.SEARCHED,
        after="enqueue",
        metavar="SETTINGS",
        help="settings that you believe in, such as mask_count=32,noise_level=0.1: ehvi tries them "
        "first and prefers what is near them, the less the more trials it has seen",
        read=read_prior,
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    first_rung: int | None = option(
        None,
        group=Group.STOPPED,
        metavar="EPOCH",
        help="epoch, under moasha, after which trials are compared for the first time (default: "
        "such that there are three rungs)",
        least=1,
        on_rerun=OnRerun.DEFAULT,
        may_lack=True,
    )
    tracking_uri: str | None = option(
        None,
        group=Group.PLACES,
        metavar="URI",
        help="MLflow's store (default: MLFLOW_TRACKING_URI, else MLflow's own local one)",
        secret=True,
        variable="MLFLOW_TRACKING_URI",
        on_resume=OnResume.FREE,
    )
    storage: str | None = option(
        None,
        group=Group.PLACES,
        metavar="URL",
        help="Optuna's database (default: OPTUNA_STORAGE, else a file in the study's folder)",
        secret=True,
        variable="OPTUNA_STORAGE",
    )
    checkpoints: str | None = option(
        None,
        group=Group.PLACES,
        metavar="PLACE",
        help="place for running trials: a folder that every node sees, or a URL such as "
        "s3://BUCKET/PATH (default: in the study's folder)",
        secret=True,
    )
    keep_checkpoints: bool = option(
        False,
        group=Group.PLACES,
        help="keep each trial's last checkpoint",
    )
    weights: str = option(
        FRONT_WEIGHTS,
        group=Group.PLACES,
        metavar="WHICH",
        help="front (default): keep the weights of the front's trials and of all confirmed runs, "
        "in the study's folder and in MLflow; none: keep no weights",
        read=read_weights,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
    log: str | None = option(
        None,
        group=Group.PLACES,
        metavar="NAME",
        help=f"{TENSORBOARD}: also write the trials' curves as its files, into the study's folder; "
        f"{WANDB}: as runs of Weights & Biases; {NO_LOG}: neither (default)",
        read=read_log,
        on_resume=OnResume.FREE,
        may_lack=True,
    )
