"""What the plant is: types, the asset tree, tags, partitions, devices and their points."""
