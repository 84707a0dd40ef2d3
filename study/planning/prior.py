"""Settings that the user believes in, as they were typed: what the search cannot use is refused."""

from dataclasses import replace

from study.command_line import blaming
from study.config import StudyConfig
from study.planning.enqueued import searched_point
from study.results.enqueued_points import spell_point, typed_points
from study.search.sampler import EHVI


def with_prior(config: StudyConfig) -> StudyConfig:
    """Return a study whose belief is spelt by its axes alone.

    Args:
        config: Study with a belief as it was typed.

    Raises:
        BadInputError: The sampler takes none, or the space has no such point that can be built
            within the limits.
    """
    if config.prior is None:
        return config
    with blaming("--prior", config.prior):
        if config.sampler != EHVI:
            raise ValueError(
                f"sampler {config.sampler} weighs no belief: accepted with --sampler {EHVI}; with "
                "any other, --enqueue tries a point first"
            )
        (settings,) = typed_points(config.prior)
        return replace(config, prior=spell_point(searched_point(config, settings)))
