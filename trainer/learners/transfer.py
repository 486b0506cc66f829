"""Copies the tensors of one learner's networks into another's: by name, feature and action.

What does not match keeps its initial value and is named.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from interfaces.core.learning_methods import learning_method, method_name
from trainer.learners.tensor_axes import Key, TensorAxes, action_key

_SINGLE_LINES = 16  # more differences of one kind share a line
# `next/` holds the world model that World Models trains, by its place in Networks.world_model.
_WORLD_MODEL = ("encoder", "dynamics", "decoder", "reward", "continues")


@dataclass(frozen=True)
class Transfer:
    """`tensors`: of the new networks, by name. `notes`: one line for each difference.

    `copied`: matrices that were copied, wholly or in part. `is_complete`: everything was copied as
    it is.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    notes: list[str] = field(default_factory=list[str])
    copied: int = 0
    is_complete: bool = False


def transfer(
    target: Mapping[str, Tensor],
    source: Mapping[str, Tensor],
    here: TensorAxes,
    there: TensorAxes,
) -> Transfer:
    """Tensors with the names and shapes of `target` and, where they match, values of `source`.

    A new input of a layer that is otherwise copied has weight 0: the agent first decides as before.
    A new number in the vector gets moments that leave it as it is.
    """
    tensors: dict[str, Tensor] = {}
    new, total = Counter[str](), Counter[str]()
    copied, is_complete = 0, source.keys() == target.keys()
    for stored, initial in target.items():
        name = _network_name(stored)
        part = name.split(".")[0]
        total[part] += 1
        value = source.get(stored)
        result = None
        if value is not None and here.belongs_to(name) == there.belongs_to(name):
            result = _copied(name, initial, value, here, there)
        if result is None:
            new[part] += 1
            is_complete = False
        else:
            copied += initial.dim() >= 2
            is_complete = is_complete and value is not None and torch.equal(result, value)
        tensors[stored] = initial.clone() if result is None else result
    _open_new_numbers(tensors, source, here, there)
    notes = [*_space_notes(here, there), *_model_notes(here, there)]
    notes += [
        f"{part}: {count} of {total[part]} tensors do not match; newly initialised"
        for part, count in new.items()
    ]
    return Transfer(tensors, notes, copied, is_complete)


def _network_name(stored: str) -> str:
    if not stored.startswith("next/"):
        return stored
    place, rest = stored.removeprefix("next/").split(".", 1)
    return f"{_WORLD_MODEL[int(place)]}.{rest}"


def _copied(
    name: str, initial: Tensor, value: Tensor, here: TensorAxes, there: TensorAxes
) -> Tensor | None:
    """`initial` with the matching rows and columns of `value`; None if nothing matches."""
    own, other = here.keys(name, initial.shape), there.keys(name, value.shape)
    if initial.dim() != value.dim() or own.keys() != other.keys():
        return None
    result = initial.clone()
    to, of = list[Tensor](), list[Tensor]()
    for axis, size in enumerate(initial.shape):
        if axis not in own:
            if size != value.shape[axis]:
                return None
            to.append(torch.arange(size))
            of.append(torch.arange(size))
            continue
        if len(own[axis]) != size or len(other[axis]) != value.shape[axis]:
            return None
        place = {key: i for i, key in enumerate(other[axis])}
        pairs = [(i, place[key]) for i, key in enumerate(own[axis]) if key in place]
        if not pairs:
            return None
        to.append(torch.tensor([i for i, _ in pairs]))
        of.append(torch.tensor([i for _, i in pairs]))
        if axis == 1:
            result[:, [i for i, key in enumerate(own[axis]) if key not in place]] = 0.0
    if not to:  # a scalar
        return value.clone()
    result[torch.meshgrid(*to, indexing="ij")] = value[torch.meshgrid(*of, indexing="ij")].to(
        result.dtype
    )
    return result


def _open_new_numbers(
    tensors: dict[str, Tensor], source: Mapping[str, Tensor], here: TensorAxes, there: TensorAxes
) -> None:
    """Moments 0 and 1 for numbers of the vector that the source lacks.

    Moments of 0 would count as a constant, and their first values as 100 deviations.
    """
    for stored, square in tensors.items():
        name = _network_name(stored)
        if not name.endswith("felt.square") or stored not in source:
            continue
        known = set(there.keys(name, source[stored].shape)[0])
        weight = tensors[stored.removesuffix("square") + "weight"]
        for i, key in enumerate(here.keys(name, square.shape)[0]):
            if key not in known:
                square[i] = weight[0]


def _space_notes(here: TensorAxes, there: TensorAxes) -> Iterable[str]:
    own, other = here.spaces, there.spaces
    features, their_features = (dict.fromkeys(each.features, ()) for each in (own, other))
    yield from _name_notes("feature", features, their_features)
    yield from _name_notes(
        "action",
        {action.name: action_key(action) for action in own.actions},
        {action.name: action_key(action) for action in other.actions},
    )
    if own.image_shape != other.image_shape:
        yield (
            f"picture: {_size(own.image_shape)} here, {_size(other.image_shape)} in the source; "
            "its encoder and decoder are newly initialised"
        )
    if own.sound_shape != other.sound_shape:
        yield (
            f"sound: {_size(own.sound_shape)} here, {_size(other.sound_shape)} in the source; "
            "its encoder and decoder are newly initialised"
        )


def _name_notes(kind: str, own: Mapping[str, Key], other: Mapping[str, Key]) -> Iterable[str]:
    for names, difference in (
        ([name for name in own if name not in other], ": not in the source; newly initialised"),
        (
            [name for name, key in own.items() if other.get(name, key) != key],
            ": another kind or group in the source; newly initialised",
        ),
        ([name for name in other if name not in own], " of the source: not used here"),
    ):
        if len(names) <= _SINGLE_LINES:
            yield from (f"{kind} {name}{difference}" for name in names)
        else:  # a sense can have 160 features
            yield f"{kind}s {names[0]}, {names[1]}, …, {names[-1]} ({len(names)}){difference}"
    shared = [name for name in own if name in other]
    if shared != [name for name in other if name in own]:
        yield f"{kind}s: in another order in the source; matched by name"


def _model_notes(here: TensorAxes, there: TensorAxes) -> Iterable[str]:
    has_own_model = learning_method(here.config).has_world_model
    for section in ("model", *([method_name(here.config)] if has_own_model else [])):
        own, other = (getattr(each.config, section, None) for each in (here, there))
        if own is None or other is None:
            continue
        theirs = other.model_dump()
        for name, value in own.model_dump().items():
            if theirs.get(name) != value:
                yield f"{section}.{name}: {value} here, {theirs.get(name)} in the source"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) if all(shape) and shape else "none"
