"""Pictures of a simulated road, with exact boxes; and both sensors at the level of detections."""
