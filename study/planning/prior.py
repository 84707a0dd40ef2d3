"""Settings that the user believes in, as they were typed: what the search cannot use is refused."""

from dataclasses import replace

from study.command_line import blaming
from study.config import StudyConfig
from study.planning.enqueued import searched_point
from study.results.enqueued_points import typed_points
from study.search.sampler import EHVI


def require_prior(config: StudyConfig) -> None:
    """Check what the user believes in, before anything reads it.

    Args:
        config: Study with a belief as it was typed, which it keeps so.

    Raises:
        BadInputError: The sampler takes none, or the space has no such point that can be built.
    """
    if config.prior is None:
        return
    with blaming("--prior", config.prior):
        if config.sampler != EHVI:
            raise ValueError(
                f"sampler {config.sampler} weighs no belief: accepted with --sampler {EHVI}; with "
                "any other, --enqueue tries a point first"
            )
        (settings,) = typed_points(config.prior)
        searched_point(replace(config, prior=None), settings)
