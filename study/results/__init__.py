"""What trials gave: records, objectives, fronts, and the MLflow store that keeps them."""
