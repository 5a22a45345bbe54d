"""What a study is: which recordings and settings, and which files of results."""
