"""Ray alone, with a worker for each core that imports torch: the least time of a study's start.

Prints the seconds from the start of this process until all workers are ready. Run by
`start_floor.py`.
"""

import logging
import os
import time

import psutil
import ray


@ray.remote(num_cpus=1)
class Worker:
    """A process that could train."""

    def import_torch(self) -> None:
        """Import what the first trial in the worker waits for."""
        import torch.optim  # noqa: F401


def main() -> None:
    """Start, wait for the workers, end."""
    ray.init(
        address="local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    workers = [Worker.remote() for _ in range(os.cpu_count() or 1)]  # type: ignore[attr-defined]
    ray.get([worker.import_torch.remote() for worker in workers])
    print(time.time() - psutil.Process().create_time(), flush=True)
    ray.shutdown()


if __name__ == "__main__":
    main()
