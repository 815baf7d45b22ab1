"""Pure functions behind Shoal's Python steps: frames and arrays in, frames and arrays out."""
