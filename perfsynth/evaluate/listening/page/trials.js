// The pages on which sounds are judged: rating, MUSHRA, preference.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const letter = (index) => LETTERS[index] || `Sound ${index + 1}`;

/** A player of a stimulus that remembers in the trial what was heard of it. */
function playerOf(trial, stimulus, label) {
  return new Player(soundUrl(stimulus), label, TEST.durations[stimulus], (step) => {
    const heard = kept(trial).heard;
    if (!heard[stimulus]) heard[stimulus] = [];
    if (!heard[stimulus].includes(step)) heard[stimulus].push(step);
  });
}

function heardSeconds(trial, stimulus) {
  return Math.min(TEST.durations[stimulus], HEARD_S * (kept(trial).heard[stimulus] || []).length);
}

function isHeard(trial, stimulus) {
  const enough = Math.min(TEST.must_hear * TEST.durations[stimulus], TEST.durations[stimulus] - 2 * HEARD_S);
  const heard = heardSeconds(trial, stimulus);
  return heard > 0 && heard >= enough;
}

/** Radio buttons for one question. */
function radios(name, question, options, value, onPick) {
  const choices = options.map(([choice, word]) =>
    el("label", {},
      el("input", { type: "radio", name, value: choice, checked: choice === value, onchange: () => onPick(choice) }),
      word));
  return el("fieldset", { id: `field-${name}` },
    el("legend", {}, question.text),
    el("div", { class: options.length > 6 ? "scale many" : "scale" }, ...choices),
    question.low ? el("div", { class: "ends" }, el("span", {}, question.low), el("span", {}, question.high)) : null);
}

function scaleOptions(question) {
  const values = Array.from({ length: question.maximum - question.minimum + 1 }, (_, i) => question.minimum + i);
  return values.map((value, i) => [value, question.labels.length ? `${value} ${question.labels[i]}` : String(value)]);
}

function rate(trial, stimulus, question, value) {
  const ratings = kept(trial).ratings;
  ratings[stimulus] = { ...ratings[stimulus], [question]: value };
  save();
}

const ratingOf = (trial, stimulus, question) => (kept(trial).ratings[stimulus] || {})[question];

function ratingContent(trial) {
  const [stimulus] = trial.stimuli;
  const fields = TEST.questions.map((question) =>
    radios(`${trial.id}-${question.id}`, question, scaleOptions(question), ratingOf(trial, stimulus, question.id),
      (value) => rate(trial, stimulus, question.id, value)));
  return [el("div", { class: "card" }, playerOf(trial, stimulus, "the sound").element), ...fields];
}

/** A slider that holds no value before it is moved. */
function slider(trial, stimulus, question, label) {
  const name = `${trial.id}-${stimulus}-${question.id}`;
  const value = ratingOf(trial, stimulus, question.id);
  const middle = Math.round((question.minimum + question.maximum) / 2);
  const shown = el("output", { class: "value", for: name }, value === undefined ? "not rated yet" : String(value));
  const input = el("input", {
    type: "range", id: name, min: question.minimum, max: question.maximum, step: 1,
    value: value === undefined ? middle : value, "aria-label": `${question.text} Sound ${label}`,
    "aria-valuetext": value === undefined ? "not rated yet" : String(value),
  });
  const take = () => {
    rate(trial, stimulus, question.id, Number(input.value));
    shown.textContent = input.value;
    input.setAttribute("aria-valuetext", input.value);
    box.classList.remove("unrated", "missing");
  };
  // A click or Enter on the thumb where it stands is a rating too.
  input.addEventListener("input", take);
  input.addEventListener("click", take);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") take(); });
  const words = (question.labels.length ? question.labels : [question.low, question.high]).map((word) => el("span", {}, word));
  const box = el("div", { id: `field-${name}`, class: value === undefined ? "rating unrated" : "rating" },
    TEST.questions.length > 1 ? el("p", {}, question.text) : null,
    el("div", { class: question.labels.length ? "ends grades" : "ends" }, ...words), input, shown);
  return box;
}

function mushraContent(trial) {
  const reference = playerOf(trial, trial.reference, "the reference");
  const cards = trial.stimuli.map((stimulus, i) =>
    el("section", { class: "card", "aria-label": `Sound ${letter(i)}` },
      playerOf(trial, stimulus, letter(i)).element,
      ...TEST.questions.map((question) => slider(trial, stimulus, question, letter(i)))));
  const text = TEST.questions.length > 1 ? "Rate each sound." : TEST.questions[0].text;
  return [el("p", {}, text, " One of the sounds is the reference itself."),
    el("div", { class: "card" }, reference.element), switching(), ...cards];
}

function preferenceContent(trial) {
  const players = trial.stimuli.map((stimulus, i) =>
    el("div", { class: "card" }, playerOf(trial, stimulus, letter(i)).element));
  const options = [["a", "A"], ...(TEST.ties ? [["tie", "No difference"]] : []), ["b", "B"]];
  const fields = TEST.questions.map((question) =>
    radios(`${trial.id}-${question.id}`, { text: question.text }, options, kept(trial).choices[question.id],
      (value) => { kept(trial).choices[question.id] = value; save(); }));
  return [...players, switching(), ...fields];
}

function switching() {
  const box = el("input", {
    type: "checkbox", checked: state.together, onchange: () => { state.together = box.checked; save(); },
  });
  return el("label", { class: "check" }, box, "Switch between sounds at the same position");
}

/** What is missing before the listener may go on: sentences, each with the field it is about. */
function missing(trial) {
  const unheard = [trial.reference, ...trial.stimuli].filter((stimulus) => stimulus && !isHeard(trial, stimulus));
  const all = TEST.must_hear > 0 ? "Listen to every sound first." : "Play every sound first.";
  if (unheard.length > 0) return [{ text: all, field: null }];
  const open = [];
  for (const question of TEST.questions) {
    if (TEST.method === "ab") {
      if (!kept(trial).choices[question.id]) open.push({ question, field: `${trial.id}-${question.id}`, where: "" });
      continue;
    }
    trial.stimuli.forEach((stimulus, i) => {
      if (ratingOf(trial, stimulus, question.id) !== undefined) return;
      const own = TEST.method === "mushra";
      const field = own ? `${trial.id}-${stimulus}-${question.id}` : `${trial.id}-${question.id}`;
      open.push({ question, field, where: own ? `sound ${letter(i)}. ` : "" });
    });
  }
  return open.map(({ question, field, where }, i) =>
    ({ text: `${i === 0 ? "Not answered yet: " : ""}${where}${where && TEST.questions.length === 1 ? "" : question.text}`, field }));
}

function trialStep(trial, number, count) {
  const content = { rating: ratingContent, mushra: mushraContent, ab: preferenceContent }[TEST.method](trial);
  const comment = el("textarea", {
    id: "comment", rows: 2, maxlength: 2000, oninput: () => { kept(trial).comment = comment.value; save(); },
  });
  comment.value = kept(trial).comment;
  return {
    heading: `${TEST.method === "rating" ? "Sound" : "Comparison"} ${number} of ${count}`,
    content: [...content, el("label", { for: "comment" }, "Comment (may stay empty)"), comment],
    missing: () => missing(trial),
    trial,
  };
}
