"""Execution of a planned study, from its first trial to its last word.

- `execute`: a study run to its exit status; what is told at its end
- `study_life`: one life of a study: search, export, confirm
- `progress`: progress on a terminal or line by line, with `tally`, `part_pace` and `run_words`
- `study_weights`: weights that are kept, sent and told of
- `export`: page and front, written into the study's folder
- `summary`: outcome, as people and programs read it
- `next_commands`: commands to type next
- `patience`: times for which the end waits for other programs
"""
