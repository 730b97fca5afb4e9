"""Files: whole or not at all, HDF5, and which format a file has."""
