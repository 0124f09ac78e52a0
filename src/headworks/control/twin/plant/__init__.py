"""A plant as a folder: read, check, compare, apply, export."""

from headworks.control.twin.plant.apply import apply_plant
from headworks.control.twin.plant.diff import Change, Diff
from headworks.control.twin.plant.export import export_plant

__all__ = ["Change", "Diff", "apply_plant", "export_plant"]
