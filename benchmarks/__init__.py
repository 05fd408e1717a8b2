"""Speed, memory and accuracy as ratios against a peer or a floor, measured in the same run."""
