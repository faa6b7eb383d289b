"""The measurements of blocks and agents, which every run takes."""
