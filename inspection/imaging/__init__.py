"""New-regime imaging: differencing, exposure fusion, photometric stereo, events, contrast."""
