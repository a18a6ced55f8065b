"""Lists as files that a spreadsheet program opens: typed columns, CSV and XLSX of any length in constant memory."""
