from dashboards.replication.shared_axes import batch_size_axis


def test_ticks_are_batch_sizes_that_were_run_and_keep_their_distance():
    axis = batch_size_axis("", [10, 11, 40, 80, 640, 660])
    assert axis["tickvals"] == [10, 40, 80, 640]
