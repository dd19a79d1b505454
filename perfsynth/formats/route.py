"""The route that a player takes through a page: repeats, endings, da capo, dal segno, coda and fine.

Every repeat is played as often as it says, once in the piece: after a da capo or dal segno it is passed over unless it
asks for more, and of its endings the last is played. Every jump is taken once. A fine ends the piece, or the movement
where more follows the da capo that led there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class Repeat:
    """A backward repeat at `end`, where it goes back to, and how often what lies between is played.

    With `after_jump` it is played as often again after a da capo or dal segno.
    """

    begin: int
    end: int
    times: int = 2
    after_jump: bool = False


@dataclass(frozen=True)
class Ending:
    """A bracket over what is played at some of the times around only."""

    begin: int
    end: int
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Signs:
    """What leads a player through the page that reaches from `begin` to `end`, in any unit.

    `segno_of` and `coda_of` tell where a dal segno and a "to coda" lead that name their sign; others lead to the last
    segno before them and to the next coda.
    """

    begin: int
    end: int
    repeats: tuple[Repeat, ...] = ()
    endings: tuple[Ending, ...] = ()
    da_capos: tuple[int, ...] = ()
    dal_segnos: tuple[int, ...] = ()
    segnos: tuple[int, ...] = ()
    to_codas: tuple[int, ...] = ()
    codas: tuple[int, ...] = ()
    fines: tuple[int, ...] = ()
    segno_of: Mapping[int, int] = field(default_factory=dict)
    coda_of: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Group:
    """Endings side by side, and where they send back to."""

    begin: int
    end: int
    back: int
    played: tuple[Ending | None, ...]  # at each time around; None where all of them are left out


def route(signs: Signs) -> list[tuple[int, int]]:
    """The stretches of the page (begin, end) in playing order, cut wherever there is a sign."""
    repeats = [(repeat.begin, repeat.end) for repeat in signs.repeats]
    endings = [(ending.begin, ending.end) for ending in signs.endings]
    marks = (signs.da_capos, signs.dal_segnos, signs.segnos, signs.to_codas, signs.codas, signs.fines)
    cuts = {signs.begin, signs.end}.union(*repeats, *endings, *marks)
    following = dict(pairwise(sorted(cut for cut in cuts if signs.begin <= cut <= signs.end)))
    player, stretches = _Player(signs), []
    place = player.enter(signs.begin)
    while place < signs.end:
        stretches.append((place, following[place]))
        place = player.enter(player.leave(following[place]))
    return stretches


class _Player:
    """Decides where to go on wherever there is a sign; every way back is taken a limited number of times."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self._groups = _groups(signs)
        self._begins = {group.begin: group for group in self._groups}
        self._ends = {ending.end: group for group in self._groups for ending in group.played if ending is not None}
        self._repeats = {repeat.end: repeat for repeat in signs.repeats if repeat.end not in self._ends}
        self._rounds: Counter[_Group | Repeat] = Counter()  # how often each has sent back
        self._taken: set[int] = set()  # jumps
        self._reached: set[int] = set()  # codas
        self._begin = signs.begin  # of the movement
        self._leapt: int | None = None  # from where a da capo or dal segno has led back, until the coda or the fine

    def enter(self, place: int) -> int:
        """Where to play on that has come to `place`: the ending whose turn it is."""
        if (group := self._begins.get(place)) is None:
            return place
        ending = group.played[self._rounds[group]]
        return group.end if ending is None else ending.begin

    def leave(self, place: int) -> int:
        """Where to go that has played up to `place`."""
        signs = self._signs
        if self._leapt is not None and place in signs.fines:
            return self._ended(place, self._leapt)
        if self._leapt is not None and place in signs.to_codas and signs.codas and place not in self._taken:
            self._taken.add(place)
            self._leapt = None
            self._reached.add(coda := self._coda(place))
            return coda
        group, repeat = self._ends.get(place), self._repeats.get(place)
        if group is not None and self._rounds[group] < len(group.played) - 1:
            self._rounds[group] += 1
            return group.back
        if repeat is not None and self._is_open(repeat):
            self._rounds[repeat] += 1
            return repeat.begin
        if self._leaps(place):
            return self._back(place)
        return place if group is None else group.end

    def _back(self, place: int) -> int:
        """Where the da capo or dal segno at `place` leads."""
        self._taken.add(place)
        self._leapt = place
        for repeat in self._repeats.values():
            if repeat.after_jump:
                self._rounds[repeat] = 0
        segnos = self._signs.segnos
        if place in self._signs.da_capos:
            return self._begin
        return self._signs.segno_of.get(place, max([segno for segno in segnos if segno < place] or segnos[:1]))

    def _coda(self, place: int) -> int:
        """Where the "to coda" at `place` leads: the next one, of those that are left."""
        codas = self._signs.codas
        left = [coda for coda in codas if coda not in self._reached] or codas
        return self._signs.coda_of.get(place, min((coda for coda in left if coda >= place), default=left[0]))

    def _ended(self, place: int, leapt: int) -> int:
        """Where to go on after a fine: behind the jump at `leapt` that led back, if another movement begins there."""
        if leapt <= place or leapt in self._signs.codas:
            return self._signs.end
        self._begin, self._leapt = leapt, None
        return leapt

    def _is_open(self, repeat: Repeat) -> bool:
        return self._rounds[repeat] < repeat.times - 1

    def _leaps(self, place: int) -> bool:
        """Whether a da capo or dal segno is due, which waits for the repeat that it stands in."""
        signs = self._signs
        if place in self._taken:
            return False
        if any(repeat.begin < place < repeat.end and self._is_open(repeat) for repeat in self._repeats.values()):
            return False
        return place in signs.da_capos or (place in signs.dal_segnos and bool(signs.segnos))


def _groups(signs: Signs) -> list[_Group]:
    chains: list[list[Ending]] = []
    for ending in sorted(signs.endings, key=lambda ending: ending.begin):
        if chains and chains[-1][-1].end == ending.begin:
            chains[-1].append(ending)
        else:
            chains.append([ending])
    return [_group(chain, signs) for chain in chains]


def _group(chain: list[Ending], signs: Signs) -> _Group:
    begin, end = chain[0].begin, chain[-1].end
    order = sorted((number, index) for index, ending in enumerate(chain) for number in ending.numbers)
    played: list[Ending | None] = [chain[index] for _, index in order]
    earlier = [repeat for repeat in signs.repeats if repeat.begin <= begin]
    own = [repeat for repeat in earlier if repeat.end in {ending.end for ending in chain}]
    if len(chain) == 1 and own:
        played.append(None)  # what follows is the second ending, without a bracket
    return _Group(begin, end, max((repeat.begin for repeat in own or earlier), default=signs.begin), tuple(played))
