"""What moves and where it is: background, silhouettes, the location of the subject, its frames."""
