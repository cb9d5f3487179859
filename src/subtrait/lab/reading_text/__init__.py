"""What a reader of the text alone can know of who wrote it: classifiers that never see a model."""
