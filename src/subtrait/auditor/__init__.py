"""One file per question to a dataset or a model, each returning evidence; what it was tested against stands in it."""
