"""Tables of numbers in files of other programs, read in batches of rows."""

from calovox.foreign.tables.opening import choose_table, open_tables
from calovox.foreign.tables.table import Batch, ForeignFileError, Lists, Table

__all__ = ["Batch", "ForeignFileError", "Lists", "Table", "choose_table", "open_tables"]
