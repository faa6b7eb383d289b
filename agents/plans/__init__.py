"""Plans: how the tasks of a pipeline are cut into stages, so that items come out as fast as the cores allow."""
