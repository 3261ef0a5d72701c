"""The catalogue of controls, and the assessment that runs it."""

from seawall.controls.assess import Options, assess, open_database
from seawall.controls.catalogue import Catalogue
from seawall.controls.model import BrokenControl, Control, Header
from seawall.controls.run import run

__all__ = ["BrokenControl", "Catalogue", "Control", "Header", "Options", "assess", "open_database", "run"]
