// One sound with its button and position; one sounds at a time.

const HEARD_S = 0.5; // seconds: what was heard is kept in steps of this
const sounding = { player: null };

/** Make an element: attributes (on* are listeners, null ones are left out), then children. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Decode an embedded data URI once; a blob can be sought in wherever a data URI cannot. */
const urls = new Map();
function soundUrl(stimulus) {
  if (!urls.has(stimulus)) {
    const [head, body] = document.getElementById(`sound-${stimulus}`).textContent.split(",");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    urls.set(stimulus, URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] })));
  }
  return urls.get(stimulus);
}

class Player {
  /** label: what to call it; duration: seconds; onHeard(step): each half second of it that is played. */
  constructor(url, label, duration, onHeard) {
    this.label = label;
    this.duration = duration;
    this.onHeard = onHeard;
    this.audio = el("audio", { src: url, preload: "auto" });
    this.button = el("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggle() });
    this.seek = el("input", {
      type: "range", min: 0, max: duration, step: 0.1, value: 0, "aria-label": `Position in ${label}`,
      oninput: () => { this.audio.currentTime = Number(this.seek.value); this.show(); },
    });
    this.time = el("span", { class: "time" });
    this.element = el("div", { class: "player" }, this.button, this.seek, this.time);
    for (const event of ["play", "pause", "ended", "timeupdate", "seeked"]) {
      this.audio.addEventListener(event, () => this.show());
    }
    this.audio.addEventListener("error", () => tell(`${label} cannot be played by this browser.`, true));
    this.show();
  }

  get isPlaying() {
    return !this.audio.paused && !this.audio.ended;
  }

  toggle() {
    if (this.isPlaying) this.audio.pause();
    else this.play();
  }

  play() {
    const before = sounding.player;
    if (before && before !== this) {
      if (before.isPlaying && state.together && before.audio.currentTime < this.duration - 0.1) {
        this.audio.currentTime = before.audio.currentTime;
      }
      before.audio.pause();
    }
    sounding.player = this;
    this.audio.play().catch(() => tell(`${this.label} cannot be played by this browser.`, true));
  }

  show() {
    const now = this.audio.currentTime;
    if (this.isPlaying) this.onHeard(Math.floor(now / HEARD_S));
    this.button.textContent = this.isPlaying ? `Pause ${this.label}` : `Play ${this.label}`;
    this.button.setAttribute("aria-pressed", String(this.isPlaying));
    this.seek.value = now;
    this.seek.setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.duration)}`);
    this.time.textContent = `${clock(now)} / ${clock(this.duration)}`;
  }
}

/** Nothing sounds on when the listener moves on. */
function silence() {
  if (sounding.player) sounding.player.audio.pause();
  sounding.player = null;
}
