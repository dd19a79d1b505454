"""``m2m``: the network of the paper, its tokens, how its heads are balanced, and that it learns."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perfsynth import formats
from perfsynth.errors import UsageError
from perfsynth.perform.core import perform
from perfsynth.perform.deadpan import perform as deadpan
from perfsynth.perform.m2m_network import HEADS, M2M, Config, RelativeAttention
from perfsynth.tokens import seed as vocabulary
from perfsynth.train.checkpoint import to_toml
from perfsynth.train.m2m import NOTES, M2MTask, Settings, _plain, head_losses, pair_of
from perfsynth.types import Performance, Score, Tokens

SMALL = Config(
    embeddings=(4, 4, 4, 4, 4, 4), hidden=32, layers=1, heads=2, feed_forward=16, dropout=0.0, pianists=("Ann", "Ben")
)


@pytest.fixture(scope="module")
def score(example: bytes) -> Score:
    return formats.read_score(example)


@pytest.fixture(scope="module")
def played(score: Score) -> Performance:
    """The score with dynamics and lengths of its own."""
    made = deadpan(score)
    notes = made.notes.copy()
    rng = np.random.default_rng(0)
    notes["velocity"] = rng.integers(40, 100, len(notes))
    notes["duration_s"] *= rng.uniform(0.5, 1.2, len(notes))
    return replace(made, notes=notes)


@pytest.fixture
def weights(tmp_path: Path) -> str:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = M2M(SMALL)
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(state, tmp_path / "model.safetensors")
    (tmp_path / "config.toml").write_text(to_toml({"system": "m2m", "model": asdict(SMALL)}))
    return str(tmp_path)


def test_the_network_has_the_sizes_of_the_paper() -> None:
    network = M2M(Config(pianists=tuple("abcdef")))
    assert sum(p.numel() for p in network.parameters()) == 3_868_236
    assert [head.out_features for head in network.heads] == [68, 772, 1156]  # type: ignore[union-attr]
    tokens = torch.randint(4, 60, (2, 256, 6))
    logits = network.eval()(tokens, torch.tensor([0, 6]))
    assert [tuple(head.shape) for head in logits] == [(2, 256, 68), (2, 256, 772), (2, 256, 1156)]


def test_attention_meets_the_distance_with_query_and_key() -> None:
    torch.manual_seed(1)
    attention = RelativeAttention(SMALL).eval()
    x, padded = torch.randn(1, 5, 32), torch.tensor([[False, False, False, False, True]])
    query, key, value = attention.project(x)[0].split(32, dim=-1)
    heads = []
    for head in range(2):
        q, k, v = (part[:, 16 * head : 16 * head + 16] for part in (query, key, value))
        scores = torch.full((5, 5), float("-inf"))
        for i in range(5):
            for j in range(4):  # the last one is padding
                distance = attention.distance.weight[i - j + vocabulary.BLOCK - 1]
                scores[i, j] = (q[i] @ k[j] + q[i] @ distance + k[j] @ distance) / 4.0
        heads.append(torch.softmax(scores, dim=1) @ v)
    expected = attention.out(torch.cat(heads, dim=1))
    assert torch.allclose(attention(x, padded)[0], expected, atol=1e-5)


def test_who_plays_is_added_to_the_last_hidden_state() -> None:
    torch.manual_seed(2)
    network = M2M(SMALL).eval()
    seen = []
    network.layers[-1].register_forward_hook(lambda module, given, out: seen.append(out))
    network.shared.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    tokens = torch.randint(4, 60, (1, 8, 6))
    network(tokens, torch.tensor([1]))
    assert torch.allclose(seen[1] - seen[0], network.pianist.weight[1].expand(1, 8, 32), atol=1e-6)


def test_tokens_say_how_each_note_was_played(score: Score, played: Performance) -> None:
    pair = pair_of(score, played, "anybody")
    assert pair is not None
    assert len(pair.score) == len(pair.performed) == len(score.notes)
    values = pair.performed - vocabulary.SPECIAL
    onset = np.cumsum(values[:, 1] - vocabulary.MAX_IOI - 1)
    order = np.argsort(played.notes["onset_s"], kind="stable")
    expected = np.rint(played.notes["onset_s"][order] * vocabulary.TICKS_PER_S)
    np.testing.assert_allclose(np.sort(onset), np.sort(expected - expected[0]), atol=1)
    few = replace(played, notes=played.notes[: NOTES // 4 - 1])
    assert pair_of(score, few, "anybody") is None


def test_intervals_of_the_score_are_those_between_the_notes_that_are_played(score: Score, played: Performance) -> None:
    some = replace(played, notes=played.notes[np.arange(len(played.notes)) % 5 != 1])
    pair = pair_of(score, some, "anybody")
    assert pair is not None
    assert len(pair.score) == len(some.notes)
    onset = vocabulary.decode(Tokens(pair.score, vocabulary.FIELDS, vocabulary.NAME)).notes["onset_s"]
    summed = vocabulary.decode(Tokens(pair.score, vocabulary.FIELDS, vocabulary.NAME), onsets="ioi").notes["onset_s"]
    np.testing.assert_allclose(summed, onset, atol=1e-9)


def test_it_learns_one_batch_by_heart(score: Score, played: Performance) -> None:
    pair = pair_of(score, played, "anybody")
    assert pair is not None
    tokens, performed, pianist = (torch.from_numpy(np.stack([column])) for column in _plain(pair, 0, 2))
    batch = tokens[:, :96], performed[:, :96], pianist
    torch.manual_seed(3)
    network = M2M(replace(SMALL, hidden=64))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(120):
        parts = head_losses(network, batch)
        optimizer.zero_grad()
        torch.stack(parts).sum().backward()
        optimizer.step()
        losses.append([float(part.detach()) for part in parts])
    assert (np.array(losses[-1]) < 0.35 * np.array(losses[0])).all()


def test_gradnorm_takes_from_the_head_that_pulls_hardest(score: Score, played: Performance) -> None:
    pair = pair_of(score, played, "anybody")
    assert pair is not None
    batch = tuple(torch.from_numpy(np.stack([column])) for column in _plain(pair, 0, 2))
    torch.manual_seed(4)
    network = M2M(SMALL).train()
    with torch.no_grad():
        network.heads[1].weight.mul_(30.0)  # type: ignore[operator, union-attr]
    task = object.__new__(M2MTask)
    task.weights, task.first, task.settings = torch.ones(3), None, Settings()
    total, figures = task.loss(network, batch)
    assert float(total.detach()) == pytest.approx(sum(figures[name] for name in HEADS))
    task.adapt(figures | {"ioi": float("nan")})
    assert task.weights.tolist() == [1, 1, 1]
    task.adapt(figures)
    assert float(task.weights.sum()) == pytest.approx(len(HEADS))
    assert task.weights.argmin() == 1


def test_each_note_is_played_once_and_seeds_repeat(score: Score, weights: str) -> None:
    first, again, other = (perform(score, model="m2m", weights=weights, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.notes["note_id"], score.notes["note_id"])
    np.testing.assert_array_equal(first.notes, again.notes)
    assert (first.notes["velocity"] != other.notes["velocity"]).any()
    likeliest = [perform(score, model="m2m", weights=weights, seed=seed, temperature=0.0) for seed in (1, 2)]
    np.testing.assert_array_equal(likeliest[0].notes, likeliest[1].notes)


def test_tempo_is_met_and_options_out_of_range_are_refused(score: Score, weights: str) -> None:
    made = perform(score, model="m2m", weights=weights, bpm=90.0)
    beats = np.ptp(score.notes["onset_beat"])
    assert 60 * beats / np.ptp(made.notes["onset_s"]) == pytest.approx(90.0, rel=0.01)
    with pytest.raises(UsageError, match="pianist 'Eve': this network knows Ann, Ben"):
        perform(score, model="m2m", weights=weights, pianist="Eve")
