"""Files of several jobs, which share the events of a run, as that of one job."""

from calovox.jobs.merge import Merged, merge_files

__all__ = ["Merged", "merge_files"]
