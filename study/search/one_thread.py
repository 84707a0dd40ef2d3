"""Linear algebra by one thread, beside trainers that have every core."""

import contextlib
from collections.abc import Iterator

from threadpoolctl import threadpool_limits


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have BLAS and OpenMP use one thread within the context.

    The models of a search are small. While workers train on all cores, threads that wait for each
    other spin: a search by `ehvi` took eleven times the CPU time.
    """
    with threadpool_limits(1):
        yield
