"""The checks of what sources and targets promise; `penstock.blocks.testing` offers them."""
