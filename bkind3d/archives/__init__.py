"""Published data sets as they are handed out: read into studies, each archive by a module of its own."""
