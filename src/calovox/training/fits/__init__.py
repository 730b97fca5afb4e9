"""What is fitted to showers before or beside a training."""
