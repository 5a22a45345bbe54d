"""Speed, memory and quality, as measured; never run as tests."""
