"""What the objects are: models, names, durations, conditions, errors, CRD generation."""
