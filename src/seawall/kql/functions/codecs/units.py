"""Units: factors to each family's base unit (BIPM SI brochure; yard and pound of 1959)."""

from __future__ import annotations

from typing import Any

from seawall.kql.functions.registry import python

LENGTHS = {
    "Angstrom": 1e-10, "AstronomicalUnit": 149597870700.0, "Centimeter": 1e-2, "Chain": 20.1168, "DataMile": 1828.8,
    "Decameter": 10.0, "Decimeter": 1e-1, "Fathom": 1.8288, "Foot": 0.3048, "Hand": 0.1016, "Hectometer": 100.0,
    "Inch": 0.0254, "Kilometer": 1000.0, "LightYear": 9.46073047258e15, "Meter": 1.0, "Microinch": 2.54e-8,
    "Micrometer": 1e-6, "Mil": 2.54e-5, "Mile": 1609.344, "Millimeter": 1e-3, "Nanometer": 1e-9,
    "NauticalMile": 1852.0, "Yard": 0.9144,
}  # fmt: skip
MASSES = {
    "Centigram": 1e-5, "Decagram": 1e-2, "Decigram": 1e-4, "Gram": 1e-3, "Hectogram": 1e-1, "Kilogram": 1.0,
    "Kilotonne": 1e6, "Megatonne": 1e9, "Microgram": 1e-9, "Milligram": 1e-6, "Nanogram": 1e-12, "Ounce": 0.028349523125,
    "Pound": 0.45359237, "Stone": 6.35029318, "Tonne": 1000.0, "Grain": 6.479891e-5, "LongTon": 1016.0469088,
    "ShortTon": 907.18474,
}  # fmt: skip
SPEEDS = {
    "CentimeterPerSecond": 1e-2, "FootPerSecond": 0.3048, "KilometerPerHour": 1 / 3.6, "KilometerPerSecond": 1000.0,
    "Knot": 1852 / 3600, "MeterPerSecond": 1.0, "MilePerHour": 0.44704, "MeterPerMinute": 1 / 60, "FootPerMinute": 0.3048 / 60,
    "FootPerHour": 0.3048 / 3600, "InchPerSecond": 0.0254, "YardPerSecond": 0.9144,
}  # fmt: skip
VOLUMES = {
    "AcreFoot": 1 / 0.000810714, "Centiliter": 1e-5, "CubicCentimeter": 1e-6, "CubicDecimeter": 1e-3, "CubicFoot": 0.028316846592,
    "CubicInch": 1.6387064e-5, "CubicKilometer": 1e9, "CubicMeter": 1.0, "CubicMile": 4168181825.44058,
    "CubicMillimeter": 1e-9, "CubicYard": 0.764554857984, "Deciliter": 1e-4, "Liter": 1e-3, "Hectoliter": 0.1,
    "Kiloliter": 1.0, "Milliliter": 1e-6, "Microliter": 1e-9, "UsGallon": 0.003785411784, "UsPint": 0.000473176473,
    "UsQuart": 0.000946352946, "ImperialGallon": 0.00454609, "UsOunce": 2.95735295625e-5,
}  # fmt: skip
ANGLES = {
    "Arcminute": 1 / 60, "Arcsecond": 1 / 3600, "Centiradian": 57.29577951308232 / 100, "Degree": 1.0, "Gradian": 0.9,
    "Milliradian": 57.29577951308232 / 1000, "Radian": 57.29577951308232, "Revolution": 360.0,
    "Deciradian": 57.29577951308232 / 10, "Microradian": 57.29577951308232 / 1e6, "Tilt": 0.0,
}  # fmt: skip
del ANGLES["Tilt"]
ENERGIES = {
    "Joule": 1.0, "Kilojoule": 1e3, "Megajoule": 1e6, "Gigajoule": 1e9, "Calorie": 4.184, "Kilocalorie": 4184.0,
    "WattHour": 3600.0, "KilowattHour": 3.6e6, "MegawattHour": 3.6e9, "GigawattHour": 3.6e12, "ElectronVolt": 1.602176634e-19,
    "Millijoule": 1e-3, "Erg": 1e-7,
}  # fmt: skip
FORCES = {
    "Newton": 1.0, "Kilonewton": 1e3, "Meganewton": 1e6, "Millinewton": 1e-3, "Micronewton": 1e-6, "Dyn": 1e-5,
    "KilogramForce": 9.80665, "TonneForce": 9806.65, "PoundForce": 4.4482216152605, "Decanewton": 10.0,
    "KiloPond": 9.80665,
}  # fmt: skip


def _convert(table: dict[str, float]) -> Any:
    def run(value: float, have: str, want: str) -> float | None:
        a, b = table.get(have), table.get(want)
        return None if a is None or b is None else value * a / b

    return run


for _name, _table in {
    "length": LENGTHS,
    "mass": MASSES,
    "speed": SPEEDS,
    "volume": VOLUMES,
    "angle": ANGLES,
    "energy": ENERGIES,
    "force": FORCES,
}.items():
    python(f"convert_{_name}", "real text text", "real")(_convert(_table))

_KELVIN: dict[str, tuple[float, float]] = {
    "Kelvin": (1.0, 0.0), "DegreeCelsius": (1.0, 273.15), "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9), "DegreeRankine": (5 / 9, 0.0),
    "DegreeReaumur": (1.25, 273.15), "DegreeDelisle": (-2 / 3, 373.15), "DegreeNewton": (100 / 33, 273.15), "DegreeRoemer": (40 / 21, 273.15 - 7.5 * 40 / 21),
    "MillidegreeCelsius": (1e-3, 273.15),
}  # fmt: skip


@python("convert_temperature", "real text text", "real")
def convert_temperature(value: float, have: str, want: str) -> float | None:
    """`convert_temperature(value, from, to)`."""
    a, b = _KELVIN.get(have), _KELVIN.get(want)
    return None if a is None or b is None else (value * a[0] + a[1] - b[1]) / b[0]
