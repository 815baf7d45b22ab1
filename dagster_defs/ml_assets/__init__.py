"""A file per capability: read the features, call one pure function, write its tables."""
