"""Training and evaluation of one network.

- `validated_run`: training with validation after each epoch
- `test_run`: training on all that may be learned from, then the test set
- `evaluated_run`: what both have in common
- `trainer`: epochs of training
- `train_steps`, `cuda_graph`: the steps of an epoch, on a GPU as a CUDA graph
- `optimizer`: optimisers and learning-rate schedules
- `evaluation`, `published_accuracy`: accuracy, and the one that the published code reported
- `checkpoint`, `epoch_state`: the state of a run, in mid-epoch too
"""
