"""Points to try first are read from settings, tables and words, and kept as text."""

import pytest

from study.results.enqueued_points import read_enqueued, spell_points, typed_points


def test_points_come_through_their_spelling():
    text = read_enqueued(" mask_count = 32, noise_level=0.1 ;fan_out=2")
    assert text == "mask_count=32,noise_level=0.1;fan_out=2"
    points = ({"mask_count": "32", "noise_level": "0.1"}, {"fan_out": "2"})
    assert typed_points(text) == points
    assert spell_points(points) == text
    assert read_enqueued(text) == text
    assert typed_points(None) == ()


def test_the_front_of_an_earlier_study_is_a_table_of_points(tmp_path):
    table = tmp_path / "front.csv"
    header = "trial,mask_count,noise_level,epochs,seed,val_accuracy"
    table.write_text(f"{header}\n3,8,0.1,4,3,0.9\n5,16,,4,5,0.8\n")
    assert read_enqueued(str(table)) == "mask_count=8,noise_level=0.1;mask_count=16"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("mask_count,noise_levle\n8,0.1\n", "did you mean noise_level"),
        ("mask_count\n", "must hold a row for each point"),
        ("", "must hold a row for each point"),
        ("mask_count\n8,9\n", "another number of cells"),
        ("mask_count,fan_out\n8\n", "another number of cells"),
        ("mask_count\na;b\n", "it holds a , ; or ="),
        ("trial,val_accuracy\n3,0.9\n", "must hold a row for each point"),
    ],
)
def test_a_table_that_holds_no_points_is_refused(tmp_path, content, said):
    table = tmp_path / "points.csv"
    table.write_text(content)
    with pytest.raises(ValueError, match=said):
        read_enqueued(str(table))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be settings such as"),
        ("fish", "must be settings such as"),
        ("mask_count=", "must be settings such as"),
        ("mask_count=8;", "must be settings such as"),
        ("mask_count=8,mask_count=9", "names mask_count twice"),
        ("gone.csv", "gone.csv cannot be read: No such file"),
    ],
)
def test_what_is_no_point_is_refused(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=said):
        read_enqueued(text)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"b\.csv is no table of text in UTF-8"):
        read_enqueued("b.csv")
