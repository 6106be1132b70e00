"""The laboratory: metrics, scores, the summary and report of a run, tables over many runs."""
