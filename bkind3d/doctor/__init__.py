"""The doctor: what is wrong with a study's recordings, said before days are spent on them. It asks several rooms, and none asks it."""
