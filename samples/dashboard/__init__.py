"""The half of a page that shows a network, whatever it works on: its chart, its graph, and the way to the browser."""
