"""One function for each Rekognition operation, grouped by family; glue and nothing else."""
