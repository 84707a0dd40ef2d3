"""Results of simulated searches: a summary, every trial, and pictures."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from dashboards.elements.picture import Picture
from dashboards.measures.duration import describe_duration
from dashboards.measures.steps import Band, Steps, band
from dashboards.picture_file import UndrawnError, to_png
from dashboards.pictures.simulated_hypervolume import (
    Over,
    SearchBand,
    get_simulated_hypervolume_info,
    get_simulated_hypervolume_picture,
)
from study.recording.table import RecordedTable
from study.results.front_table import TextTable
from study.results.plural import counted
from study.results.whole_file import write_whole
from study.simulation.repeated import NEARLY_ALL, RepeatedSearch, median_reach
from study.simulation.simulated_search import SearchSettings


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Searches of one table under the same settings.

    Attributes:
        table: Table that was searched.
        settings: Settings of all searches; sampler, rungs and seed are each search's own.
        searches: Searches, at least one.
    """

    table: RecordedTable
    settings: SearchSettings
    searches: tuple[RepeatedSearch, ...]

    @property
    def epochs(self) -> int:
        """Budget of each search."""
        return self.settings.trials * self.table.epochs

    def seconds(self) -> float:
        """Simulated time that the longest search took."""
        return max(ends[-1].seconds for search in self.searches for ends in search.ends)

    def as_json(self) -> dict[str, Any]:
        """Return the whole outcome as one JSON document."""
        settings = self.settings
        return {
            "table": {
                "space": self.table.space.name,
                "dataset": self.table.dataset,
                "epochs": self.table.epochs,
                "replicates": self.table.replicates,
                "configurations": len(self.table.configurations),
                "provenance": asdict(self.table.provenance),
            },
            "objectives": [objective.name for objective in settings.objectives],
            "workers": settings.workers,
            "trials": settings.trials,
            "replicates": settings.replicates,
            "searches": [self._search_json(search) for search in self.searches],
        }

    def _search_json(self, search: RepeatedSearch) -> dict[str, Any]:
        bands = {"epochs": self._band(search, "epochs"), "seconds": self._band(search, "seconds")}
        return {
            "sampler": search.sampler,
            "scheduler": search.scheduler,
            "seeds": list(search.seeds),
            "share": NEARLY_ALL,
            "epochs_to_share": [steps.reaches(NEARLY_ALL) for steps in search.epochs],
            "seconds_to_share": [steps.reaches(NEARLY_ALL) for steps in search.seconds],
            "final": [_final(steps) for steps in search.epochs],
            "hypervolume": {over: found._asdict() for over, found in bands.items()},
        }

    def _band(self, search: RepeatedSearch, over: Over) -> Band:
        if over == "epochs":
            return band(search.epochs, self.epochs)
        return band(search.seconds, self.seconds())

    def text(self) -> TextTable:
        """Return the outcome for people: medians over seeds."""
        share = f"{NEARLY_ALL:.0%}"
        header = ("search", f"epochs to {share}", f"time to {share}", "seeds", "hypervolume")
        rows = []
        for search in self.searches:
            epochs = median_reach(search.epochs, NEARLY_ALL)
            seconds = median_reach(search.seconds, NEARLY_ALL)
            final = self._band(search, "epochs")
            reached = sum(steps.reaches(NEARLY_ALL) is not None for steps in search.epochs)
            rows.append(
                (
                    search.name,
                    "-" if epochs is None else f"{epochs:,.0f}",
                    "-" if seconds is None else describe_duration(seconds),
                    f"{reached} of {len(search.seeds)}",
                    f"{final.middle[-1]:.3f} ({final.low[-1]:.3f} to {final.high[-1]:.3f})",
                )
            )
        return TextTable(header=header, rows=tuple(rows))

    def pictures(self) -> Iterator[Picture]:
        """Draw hypervolume against epochs spent, and against simulated time."""
        table, settings = self.table, self.settings
        objectives = ", ".join(objective.name for objective in settings.objectives)
        overs: tuple[Over, ...] = ("epochs", "seconds")
        for over in overs:
            info = get_simulated_hypervolume_info(
                [
                    SearchBand(search.name, len(search.seeds), self._band(search, over))
                    for search in self.searches
                ],
                over=over,
                table=f"{len(table.configurations)} configurations of {table.space.name} on "
                f"{table.dataset}, {counted(table.epochs, 'epoch')}",
                settings=f"{objectives}; {counted(settings.workers, 'worker')}, a budget of "
                f"{self.epochs:,} epochs, {counted(len(self.searches[0].seeds), 'seed')}",
            )
            yield get_simulated_hypervolume_picture(info)

    def trials(self) -> pa.Table:
        """Return every trial of every search, a row each."""
        rows = [
            {
                "sampler": search.sampler,
                "scheduler": search.scheduler,
                "seed": seed,
                "trial": end.number,
                "configuration": end.configuration.number,
                "state": end.state.value,
                "epochs": end.epochs,
                "reason": end.reason,
                "seconds": end.seconds,
                "epochs_spent": end.epochs_spent,
            }
            for search in self.searches
            for seed, ends in zip(search.seeds, search.ends, strict=True)
            for end in ends
        ]
        return pa.Table.from_pylist(rows)


def write_simulation(simulation: Simulation, folder: Path) -> str:
    """Write `simulation.json`, `trials.parquet` and the pictures.

    Returns:
        The reason why there are no pictures; empty where they are drawn.

    Raises:
        OSError: Something cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(simulation.as_json(), indent=2)
    write_whole(folder / "simulation.json", document + "\n")
    trials = io.BytesIO()
    pyarrow.parquet.write_table(simulation.trials(), trials, compression="zstd")
    write_whole(folder / "trials.parquet", trials.getvalue())
    for picture in simulation.pictures():
        try:
            image = to_png(picture)
        except UndrawnError as error:
            return str(error)
        write_whole(folder / f"{picture.name}.png", image)
    return ""


def _final(steps: Steps) -> float:
    return steps.y[-1] if steps.y else 0.0
