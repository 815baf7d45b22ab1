"""What keeps people out of the tables: pseudonyms for ids, clean text, and masks in what people wrote."""
