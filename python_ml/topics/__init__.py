"""What customers write about: topics, described and kept from run to run."""
