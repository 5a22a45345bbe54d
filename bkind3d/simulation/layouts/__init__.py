"""Rendered recordings in the files of others: as a laboratory films, and stand-ins for published data sets, each a module."""
