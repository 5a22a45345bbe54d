"""From a folder of videos to a study: which video is which camera of which session, and the sheets that say so."""
