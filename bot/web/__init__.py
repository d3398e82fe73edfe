"""What Homeroom shows to a browser: source pages, health, and what surfaces are called back at."""
