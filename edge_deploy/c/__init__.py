"""C99: integer-only sources from an integer graph, for a bare board or any compiler."""
