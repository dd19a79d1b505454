// Chance that can be drawn again: the same seed and participant give the same order.

/** A generator of numbers in [0, 1) from a text: FNV-1a hash, then mulberry32. */
function seeded(text) {
  let state = 2166136261;
  for (const byte of new TextEncoder().encode(text)) {
    state = Math.imul(state ^ byte, 16777619);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A shuffled copy (Fisher and Yates). */
function shuffled(items, random) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** Trials in random order; the same piece does not come twice in a row where that can be helped. */
function trialOrder(trials, random) {
  const waiting = shuffled(trials, random);
  const order = [];
  while (waiting.length > 0) {
    const previous = order.length > 0 ? order[order.length - 1].piece : null;
    const left = new Map();
    waiting.forEach((trial) => left.set(trial.piece, (left.get(trial.piece) || 0) + 1));
    const most = Math.max(...left.values());
    // A piece that makes up more than half of what is left must come now, or it will follow itself.
    const pressing = 2 * most > waiting.length ? (trial) => left.get(trial.piece) === most : () => true;
    let next = waiting.findIndex((trial) => trial.piece !== previous && pressing(trial));
    if (next < 0) next = waiting.findIndex((trial) => trial.piece !== previous);
    order.push(...waiting.splice(Math.max(0, next), 1));
  }
  return order;
}
