"""How blocks have their functions called in executors: resident threads and processes, pools, clusters."""
