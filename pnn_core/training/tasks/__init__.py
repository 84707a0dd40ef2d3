"""Tasks: what training, validation and testing do differently for each.

- `task`: `TrainingTask`, the contract; `TestRecord`, what a confirmation keeps of its tests
- `classification`, `detection`: one module for each entry of `pnn_core.config.TASKS`
"""

from pnn_core.training.tasks.find import training_task

__all__ = ["training_task"]
