"""Rows as people have them → what the first layer gets, by what was fitted in training (preprocess.json). Needs NumPy alone."""

import csv
import json
import pathlib

import numpy as np

ABOUT = json.loads((pathlib.Path(__file__).parent / "preprocess.json").read_text(encoding="utf-8"))
FITTED, CLASSES = ABOUT["preprocess"], ABOUT["classes"]
MISSING = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"}
BOOLEANS = {"false": 0.0, "False": 0.0, "FALSE": 0.0, "true": 1.0, "True": 1.0, "TRUE": 1.0}


def prepare(rows):
    """Rows are lists in the order of the features, or nested as in training; float32 of shape (N, …) comes out."""
    width = int(np.prod(FITTED["rawShape"], dtype=int))
    cells = [flat(row) for row in rows]
    for number, row in enumerate(cells):
        if len(row) != width:
            raise ValueError(f"row {number} has {len(row)} values, and the network takes {width}")
    hot = {each["column"]: each["categories"] for each in FITTED["oneHot"]}
    parts = [
        one_hot([row[i] for row in cells], hot[i]) if i in hot else numbers([row[i] for row in cells], i)
        for i in range(width)
    ]
    table = np.concatenate([part.reshape(len(cells), -1) for part in parts], axis=1)
    return table.astype(np.float32).reshape(len(cells), *FITTED["shape"])


def numbers(column, i):
    """map → impute → scale → standardize"""
    values = np.array([mapped(cell) for cell in column], dtype=np.float64)
    if FITTED["impute"] is not None:
        values[np.isnan(values)] = FITTED["impute"][i]
    if np.isnan(values).any():
        raise ValueError(f"row {int(np.isnan(values).argmax())} has no value in feature {i}, and nothing says how to fill it")
    values = values * FITTED["scale"]
    if FITTED["mean"] is not None:
        values = (values - FITTED["mean"][i]) / FITTED["std"][i]
    return values


def one_hot(column, categories):
    """One feature for each category; a value that is none of them gives zeros."""
    return np.array([[float(category_of(cell) == category) for category in categories] for cell in column])


def read(cell):
    """A number, None for a missing value, or the text."""
    if cell is None:
        return None
    if not isinstance(cell, str):
        return None if cell != cell else float(cell)
    if cell in MISSING:
        return None
    if cell in BOOLEANS:
        return BOOLEANS[cell]
    try:
        return float(cell)
    except ValueError:
        return cell


MAP = {read(key): value for key, value in (FITTED["map"] or {}).items()}


def mapped(cell):
    value = read(cell)
    value = MAP.get(value, value)
    if isinstance(value, str):
        raise ValueError(f"{value!r} is text, and nothing says which number it stands for")
    return float("nan") if value is None else value


def category_of(cell):
    value = read(cell)
    value = MAP.get(value, value)
    return value if value is None or isinstance(value, str) else text_of(value)


def text_of(number):
    """As the categories are written: 3, not 3.0."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e21 else repr(float(number))


def flat(row):
    return [cell for part in row for cell in flat(part)] if isinstance(row, (list, tuple, np.ndarray)) else [row]


def read_examples(path, target=None, weight=None):
    """Inputs, targets and weights (or None) of a CSV with a header line, or of {"inputs": …, "targets": …} as JSON."""
    if str(path).endswith(".json"):
        data = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        return data["inputs"], data["targets"], data.get("weights")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    inputs = [[row[name] for name in FITTED["features"]] for row in rows]
    return inputs, [row[target] for row in rows], [float(row[weight]) for row in rows] if weight else None


def class_numbers(targets):
    """Labels as the places that their classes have among the outputs; numbers stay as they are."""
    if CLASSES is None:
        return np.array(targets, dtype=np.float64)
    places = {label: place for place, label in enumerate(CLASSES)}

    def place(label):
        if isinstance(label, list):
            return [place(each) for each in label]
        return places[label if isinstance(label, str) else text_of(label)]

    return np.array([place(label) for label in targets])
