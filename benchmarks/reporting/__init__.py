"""The tables of docs/results.md, built from the committed JSON files: one module per topic."""
