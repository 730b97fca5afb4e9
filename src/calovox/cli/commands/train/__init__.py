"""`calovox train`: networks, and what is fitted without one."""
