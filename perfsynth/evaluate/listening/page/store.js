// What the listener has done so far, kept in this browser at every change.

const STORE = `perfsynth-listening-${TEST.test_id}`;
let storeWorks = true;
let isElsewhere = false; // whether another window goes on with this test

function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return {
    session: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    participant: "",
    started: "",
    finished: "",
    step: 0,
    together: true,
    headphones: [], // the tone picked in each round
    attempts: 0, // at the headphone check
    trials: {},
  };
}

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE));
    return kept && kept.session ? { ...fresh(), ...kept } : fresh();
  } catch (error) {
    storeWorks = false;
    return fresh();
  }
}

function save() {
  if (isElsewhere) return;
  try {
    localStorage.setItem(STORE, JSON.stringify(state));
    storeWorks = true;
  } catch (error) {
    storeWorks = false;
  }
}

function forget() {
  try {
    localStorage.removeItem(STORE);
  } catch (error) {
    storeWorks = false;
  }
}

let state = load();

/** What is known of a trial: ratings[stimulus][question] or choices[question], seconds, what was heard, a comment. */
function kept(trial) {
  if (!state.trials[trial.id]) {
    state.trials[trial.id] = { ratings: {}, choices: {}, seconds: 0, heard: {}, comment: "" };
  }
  return state.trials[trial.id];
}

/** The trials in this listener's order, and the stimuli of each in this listener's order. */
function ordered() {
  const random = seeded(`${TEST.seed}/${state.participant}`);
  return trialOrder(TEST.trials, random).map((trial) => ({ ...trial, stimuli: shuffled(trial.stimuli, random) }));
}
