"""Users become cohorts: prepared features, k-means, a stated choice of k, profiles and readable names."""
