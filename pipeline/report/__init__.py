"""The report page: an analysis in a browser, from disk, without a server."""
