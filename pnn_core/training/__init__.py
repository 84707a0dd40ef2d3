"""Training and evaluation of one network.

- `validated_run`: training with validation after each epoch
- `confirmation_run`: training on train and validation images, then the test set
- `evaluated_run`: their common base, a trainer that is evaluated after each epoch
- `trainer`: epochs of training
- `train_steps`, `cuda_graph`: the steps of an epoch, captured as a CUDA graph on a GPU
- `compiled_network`: networks compiled for long runs on a GPU
- `optimizer`: optimisers and learning-rate schedules
- `average_precision`: detections, scored as PASCAL VOC does
- `evaluation`, `published_accuracy`: accuracy, and the one that the published code reported
- `checkpoint`, `epoch_state`: the state of a run, between epochs and within one
"""
