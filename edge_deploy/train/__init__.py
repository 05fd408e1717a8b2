"""Training and export with torch; nothing outside this folder imports it."""
