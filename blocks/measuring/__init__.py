"""What is measured of each block and agent, always."""
