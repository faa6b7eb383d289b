"""Telemetry is tested where its extras are installed, as they are by `penstock[test]`."""

from importlib.util import find_spec

NEEDS = {"test_prometheus.py": "prometheus_client", "test_open_telemetry.py": "opentelemetry"}
collect_ignore = [file for file, package in NEEDS.items() if find_spec(package) is None]
