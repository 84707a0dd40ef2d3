"""Optuna's state, samplers, and the life of every run. Needs no Ray.

- `run_manager`: life of a run: proposed, reporting, tried again, paused, ended
- `trial_manager`: trials of a search, proposed by Optuna and compared at rungs
- `confirmation_plan`, `confirmation_manager`: known runs that confirm a front
- `messages`: messages between the driver and its workers
- `optuna_storage`, `batched_journal`: storage of the study's state
- `sampler`: Optuna's samplers, kept from repeating themselves
- `one_thread`: linear algebra of samplers, beside trainers that have every core
- `study_rungs`: rungs of a study over all its lives
"""
