"""What the commands for people do. Imported when a command runs; `options` alone at the start."""
