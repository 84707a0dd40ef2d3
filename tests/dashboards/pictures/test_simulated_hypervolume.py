import pytest

from dashboards.measures.steps import Steps, band
from dashboards.pictures.simulated_hypervolume import (
    SearchBand,
    get_simulated_hypervolume_info,
    get_simulated_hypervolume_picture,
)


@pytest.fixture
def searches():
    quick = [Steps((100.0,), (0.8,)), Steps((200.0,), (1.0,))]
    slow = [Steps((3000.0,), (0.5,))]
    return [
        SearchBand("tpe, moasha", 2, band(quick, 7200.0)),
        SearchBand("random, <fifo>", 1, band(slow, 7200.0)),
    ]


def info(searches, over="epochs"):
    return get_simulated_hypervolume_info(searches, over=over, table="a table", settings="alike")


def test_words_say_what_is_drawn(searches) -> None:
    found = info(searches)
    assert found.title == "Hypervolume of simulated searches against epochs spent"
    assert found.caption.startswith("a table; alike. Lines are medians over seeds, bands hold the ")
    assert found.description == (
        "A line with a band for each search: tpe, moasha reaches 0.900; random, <fifo> reaches "
        "0.500."
    )


def test_each_search_is_a_band_with_its_median_over_it(searches) -> None:
    figure = get_simulated_hypervolume_picture(info(searches)).figure
    bands, lines = figure.data[::2], figure.data[1::2]
    assert [trace.fill for trace in bands] == ["toself", "toself"]
    assert [trace.name for trace in lines] == ["tpe, moasha", "random, &lt;fifo&gt;"]
    for search, outline, line in zip(searches, bands, lines, strict=True):
        x, low, middle, high = (values[1:] for values in search.band)  # 0 has no logarithm
        assert (line.x, line.y) == (x, middle)
        assert outline.y == (*high, *reversed(low))
        assert outline.x == (*x, *reversed(x))
    assert figure.layout.xaxis.type == "log"


def test_simulated_time_is_told_in_the_unit_that_people_would_use(searches) -> None:
    figure = get_simulated_hypervolume_picture(info(searches, over="seconds")).figure
    assert figure.layout.xaxis.title.text == "Simulated time (h)"
    assert figure.data[1].x[-1] == pytest.approx(2.0)


def test_files_hold_every_place_of_every_band(searches) -> None:
    picture = get_simulated_hypervolume_picture(info(searches, over="seconds"))
    assert picture.name == "simulated-hypervolume-seconds"
    assert [*picture.data] == ["search", "seconds", "low", "median", "high"]
    assert picture.data["median"] == [*searches[0].band.middle, *searches[1].band.middle]
    assert picture.data["seconds"][-1] == 7200.0
