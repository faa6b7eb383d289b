"""The half of a page that shows any network: its chart, its graph, and the connection to the browser."""
