"""What signalkit costs, as ratios: ``python -m benchmarks``."""
