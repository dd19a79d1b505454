// Which of three tones is the softest? One of them is in opposite phase left and right, which cancels in the air
// between loudspeakers but not between headphones (Woods et al. 2017, doi:10.3758/s13414-017-1361-2).

const ROUNDS = 6;
const PASS = 5; // rounds right, of ROUNDS
const TONE = { rate: 16000, hertz: 200, seconds: 1, gap: 0.5, ramp: 0.1, level: 0.2, softer: 0.5 };

/** The tones of each round as plain, soft or opposite, in random order. */
function toneRounds() {
  const random = seeded(`${TEST.seed}/${state.participant}/headphones/${state.attempts}`);
  return Array.from({ length: ROUNDS }, () => shuffled(["plain", "soft", "opposite"], random));
}

function toneSamples(kind) {
  const samples = [];
  for (let index = 0; index < TONE.seconds * TONE.rate; index += 1) {
    const time = index / TONE.rate;
    const ramp = Math.min(1, time / TONE.ramp, (TONE.seconds - time) / TONE.ramp);
    const level = TONE.level * ramp * (kind === "soft" ? TONE.softer : 1);
    const left = level * Math.sin(2 * Math.PI * TONE.hertz * time);
    samples.push(left, kind === "opposite" ? -left : left);
  }
  for (let index = 0; index < TONE.gap * TONE.rate; index += 1) samples.push(0, 0);
  return samples;
}

/** A stereo WAV file, 16 bits, as a blob. */
function toneFile(kinds) {
  const samples = kinds.flatMap(toneSamples);
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  [[16, 16], [24, TONE.rate], [28, 4 * TONE.rate]].forEach(([at, value]) => view.setUint32(at, value, true));
  [[20, 1], [22, 2], [32, 4], [34, 16]].forEach(([at, value]) => view.setUint16(at, value, true));
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(44 + 2 * i, Math.round(32767 * sample), true));
  return new Blob([view.buffer], { type: "audio/wav" });
}

function headphoneResult() {
  if (!TEST.headphones || state.headphones.length < ROUNDS) return null;
  const rounds = toneRounds();
  return { correct: state.headphones.filter((pick, i) => rounds[i][pick] === "soft").length, of: ROUNDS };
}

function headphoneStep() {
  const result = headphoneResult();
  return result ? headphoneVerdict(result) : headphoneRound(state.headphones.length);
}

function headphoneRound(index) {
  const seconds = 3 * (TONE.seconds + TONE.gap);
  const url = URL.createObjectURL(toneFile(toneRounds()[index]));
  let isHeard = false;
  const player = new Player(url, "the three tones", seconds, () => { isHeard = true; });
  const choose = (pick) => {
    if (!isHeard) return complain([{ text: "Play the three tones first.", field: null }]);
    state.headphones.push(pick);
    save();
    return show();
  };
  const choices = ["First", "Second", "Third"].map((word, pick) =>
    el("button", { type: "button", onclick: () => choose(pick) }, word));
  return {
    heading: `Headphone check, ${index + 1} of ${ROUNDS}`,
    content: [
      index === 0 ? el("p", {}, "Put on headphones and set a comfortable level now; leave it there until the end.") : null,
      el("p", {}, "You hear three tones. Which of them is the softest?"),
      el("div", { class: "card" }, player.element),
      el("div", { class: "scale", role: "group", "aria-label": "The softest tone" }, ...choices),
      el("p", { class: "soft" }, "If you cannot do this, skip the check: that is noted with your answers."),
    ],
    nextWord: "Skip the check",
    isQuiet: true,
  };
}

function headphoneVerdict(result) {
  const good = result.correct >= PASS;
  const again = () => { state.headphones = []; state.attempts += 1; save(); show(); };
  return {
    heading: good ? "Your headphones work" : "This does not sound like headphones",
    content: [
      el("p", {}, good
        ? "Leave the level as it is until the end."
        : `${result.correct} of ${result.of} tones were right. Put headphones on, left and right as marked, and try again; or go on as you are: that is noted with your answers.`),
      good ? null : el("button", { type: "button", onclick: again }, "Try again"),
    ],
  };
}
