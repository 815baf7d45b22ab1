"""What customers write becomes an opinion: polarity, aspects, language."""
