"""The asset graph: thin assets that read a table, call one pure function and write a table."""
