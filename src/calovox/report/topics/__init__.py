"""Topics of the report, one folder each."""
