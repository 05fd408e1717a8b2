"""Value types that cross a border: stamped, validated when made, units in the field names."""
