"""The report: topics measured, drawn and put on one HTML page."""
