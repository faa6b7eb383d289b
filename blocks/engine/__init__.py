"""The engine of a running network: the pump that runs ready blocks in time slices."""
