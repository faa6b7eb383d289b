"""The checks of the contract of sources and targets; `penstock.blocks.testing` offers them."""
