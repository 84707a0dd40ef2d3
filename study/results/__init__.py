"""Results of a study: records, objectives, fronts, and MLflow that keeps them.

- `run_record`, `run_listener`: one run (a trial or what confirms it), and who hears of it
- `early_stop`, `stop_reasons`: early stops as data, and counted
- `record_codec`, `earlier_documents`: records as JSON documents, of today and of earlier versions
- `objective`, `study_info`, `trial_key`: what is optimised, one study, one trial as people type it
- `pareto`, `front_table`, `plural`: trials that no other beats, and how to print them
- `layer_result`, `paired_comparison`, `statistics`: fresh seeds of a network on the test set, two
  networks against each other, and what a few seeds allow to say
- `confirmed_table`, `comparison_words`: the same for people
- `published_results`: every figure that anyone reported
- `weight_files`, `kept_weights`, `network_choice`: files of networks' weights, what a study has
  kept of them, and the choice of one network
- `logs`: curves for TensorBoard and Weights & Biases
- `mlflow`: the same in MLflow, written beside the trial loop and read back
- `confirming_command`, `rerun_command`: commands to type next
- `mask_secrets`, `error_messages`, `databases`: addresses whose passwords never show, and why one
  fails
- `printable`, `whole_file`: what a user's bytes hold, fit to be printed and sent; files that are
  replaced whole or not at all
- `time_limit`: a question that may take so long
- `timestamps`, `provenance`: when it happened, and which code ran
"""
