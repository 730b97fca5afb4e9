"""The worst scores of every metric and sample."""
