"""Studies in MLflow: written beside the trial loop, losing nothing, and read back.

- `store`, `study_names`: studies of a tracker
- `live_reader`, `decode_runs`, `loaded_study`: reading a study, and following it while it runs
- `background_writer`, `write_queue`, `write_status`: writing a running study beside the trial loop
- `study_writer`, `experiments`, `run_content`, `run_diff`: runs of one study, of which only what is
  missing is written
- `study_format`, `run_format`, `encoding`: spelling of studies and runs
- `weights`: weights of networks as artifacts of their runs
- `client`, `schema_cache`, `errors`: one tracker, and its errors
"""
