"""The test kit for pipelines of users: probes, faults and delays."""
