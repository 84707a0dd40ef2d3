from study.results.plural import counted


def test_one_thing_has_no_plural():
    assert [counted(n, "seed") for n in range(3)] == ["0 seeds", "1 seed", "2 seeds"]
