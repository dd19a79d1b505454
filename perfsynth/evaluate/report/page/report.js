"use strict";
// One sound at a time. Who starts another one while one plays hears it from the same place in the music.
for (const group of document.querySelectorAll(".sounds")) {
  const players = [...group.querySelectorAll("audio")];
  // Seconds of the bar lines; empty where all players share one clock.
  const marks = new Map(players.map((player) => [player, JSON.parse(player.dataset.marks)]));

  const moved = (value, from, to) => {
    const last = Math.min(from.length, to.length) - 1;
    if (last < 1) return value;
    let index = 0;
    while (index < last - 1 && from[index + 1] <= value) index += 1;
    const share = (value - from[index]) / Math.max(from[index + 1] - from[index], 1e-6);
    return to[index] + share * (to[index + 1] - to[index]);
  };

  for (const player of players) {
    player.addEventListener("play", () => {
      const before = players.find((other) => other !== player && !other.paused);
      if (before) {
        const place = moved(before.currentTime, marks.get(before), marks.get(player));
        if (place < player.duration) player.currentTime = Math.max(place, 0);
      }
      for (const other of document.querySelectorAll("audio")) if (other !== player) other.pause();
    });
  }
}
