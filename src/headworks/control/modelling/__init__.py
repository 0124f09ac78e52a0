"""What watches the plant: templates, their instances, and the plans made of both."""
