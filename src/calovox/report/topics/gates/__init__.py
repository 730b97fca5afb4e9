"""What the gates say."""
