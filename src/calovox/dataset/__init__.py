"""The HDF5 dataset of voxelised showers: reading, writing, checking."""

from calovox.dataset.keys import DatasetError
from calovox.dataset.reader import DatasetReader, read_dataset
from calovox.dataset.writer import DatasetWriter

__all__ = ["DatasetError", "DatasetReader", "DatasetWriter", "read_dataset"]
