"""Labels frames in a page of the browser: which frames, their pictures, what is clicked, and how others read it."""
