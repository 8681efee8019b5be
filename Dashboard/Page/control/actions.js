// @ts-check
import { find } from "../dom.js";
import { count, fixed } from "../format.js";
import { ask, tell } from "./dialog.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./dialog.js").Values} Values */

/** The buttons that change something. They are there for those who have brought the token. */
export class Actions {
  /** @param {State} state @param {Session} session @param {() => { expert: number, rank: number } | null} chosen The expert chosen on the map. */
  constructor(state, session, chosen) {
    this.state = state;
    this.session = session;
    this.chosen = chosen;
    /** @type {[string, () => void][]} */
    const buttons = [
      ["control", () => (session.isOpen ? this.leave() : this.enter())],
      ["change-gate", () => this.changeGate()],
      ["move-expert", () => this.moveExpert()],
      ["pause-director", () => this.pauseDirector()],
      ["change-director", () => this.changeDirector()],
      ["take-snapshot", () => this.takeSnapshot()],
      ["drain-silo", () => this.drainSilo()],
    ];
    for (const [id, act] of buttons) find(id).addEventListener("click", act);
    session.load().then(
      () => this.update(),
      () => {},
    );
  }

  /** Path of the model. @param {string} rest */
  ofModel(rest) {
    return `models/${encodeURIComponent(this.state.status?.name ?? "")}/${rest}`;
  }

  /** Shows the buttons that make sense now. */
  update() {
    const { session, state } = this;
    const control = find("control");
    control.hidden = !session.isOn;
    find("orleans").hidden = !session.hasOrleans;
    control.textContent = session.isOpen ? `${session.name} is in control` : "Take control";
    control.setAttribute("aria-pressed", String(session.isOpen));
    document.body.classList.toggle("in-control", session.isOpen);
    const pause = /** @type {HTMLButtonElement} */ (find("pause-director"));
    pause.textContent = state.status?.director?.paused ? "Resume" : "Pause";
    pause.disabled = !state.status?.director;
    for (const id of ["change-gate", "move-expert", "change-director", "take-snapshot", "drain-silo"]) {
      /** @type {HTMLButtonElement} */ (find(id)).disabled = !state.status;
    }
  }

  enter() {
    ask({
      title: "Take control",
      fields: [
        { name: "name", label: "Your name", kind: "text", value: this.session.name },
        { name: "token", label: "Control token", kind: "password" },
      ],
      says: () => "Your name goes into the log with whatever you change. The token stays in this page, until it is closed or loaded again.",
      action: "Take control",
      act: async ({ name, token }) => {
        await this.session.open(String(name), String(token));
        this.update();
        return `${name} is in control.`;
      },
    });
  }

  leave() {
    this.session.close();
    this.update();
    tell("Nobody is in control by this page any more.");
  }

  /** @param {string} path @param {Record<string, unknown>} [change] */
  async post(path, change) {
    try {
      return await this.session.post(path, change);
    } finally {
      this.update();
    }
  }

  changeGate() {
    const { state } = this;
    const layers = state.layers.filter((layer) => layer.experts > 0).map((layer) => layer.layer);
    const shown = state.placement?.layer ?? layers[0];
    const gate = state.gateOf(shown);
    ask({
      title: "Change a gate",
      fields: [
        {
          name: "layer",
          label: "Layer",
          kind: "select",
          value: shown,
          options: [...layers.map((layer) => /** @type {[string, string]} */ ([String(layer), `layer ${layer}`])), ["all", "all layers"]],
        },
        { name: "topK", label: "Experts of each token (top-k)", kind: "number", value: gate.topK ?? 1, min: 1, step: 1 },
        { name: "capacityFactor", label: "Capacity factor, 0 for no limit", kind: "number", value: gate.capacityFactor ?? 0, step: "any" },
      ],
      says: ({ layer, topK, capacityFactor }) =>
        `From the next step on ${layer === "all" ? "every layer" : `layer ${layer}`} sends a token to ${topK ?? "?"} of its experts, ${
          Number(capacityFactor) > 0 ? `each of which takes ${capacityFactor} times its equal share at most` : "which take whatever comes"
        }. This changes what the model learns.`,
      action: "Change it",
      act: async ({ layer, topK, capacityFactor }) => {
        let done = "";
        for (const one of layer === "all" ? layers : [layer]) done = await this.post(this.ofModel(`layers/${one}/gate`), { topK, capacityFactor });
        return layer === "all" ? `All ${layers.length} gates send a token to ${topK} of their experts, with capacity factor ${capacityFactor}.` : done;
      },
    });
  }

  moveExpert() {
    const { state } = this;
    const placement = state.placement;
    if (!placement) return;
    const chosen = this.chosen();
    const workers = state.workers.map((worker) => /** @type {[string, string]} */ ([String(worker.rank), `rank ${worker.rank}, ${state.nameOf(worker.rank)}`]));
    const rank = chosen?.rank ?? placement.ranks[0]?.[0] ?? 0;
    ask({
      title: `Move an expert of layer ${placement.layer}`,
      fields: [
        { name: "expert", label: "Expert", kind: "number", value: chosen?.expert ?? 0, min: 0, max: placement.ranks.length - 1, step: 1 },
        { name: "rank", label: "To", kind: "select", value: (rank + 1) % Math.max(1, workers.length), options: workers },
      ],
      says: ({ expert, rank: to }) => {
        const from = placement.ranks[Number(expert)] ?? [];
        return from.length === 1
          ? `Expert ${expert} goes from ${state.nameOf(from[0])} to ${state.nameOf(Number(to))} between two steps, its optimizer's state with it. Results do not change.`
          : from.length > 1
            ? `Expert ${expert} has replicas; only experts that are in one place can be moved by hand.`
            : "There is no such expert.";
      },
      action: "Move it",
      act: ({ expert, rank: to }) => this.post(this.ofModel("move"), { layer: placement.layer, expert, rank: Number(to) }),
    });
  }

  pauseDirector() {
    const paused = this.state.status?.director?.paused === true;
    ask({
      title: paused ? "Let the director go on" : "Pause the director",
      says: () =>
        paused
          ? "It plans again, by the settings that it has."
          : "It goes on watching the load, and plans nothing until it is resumed. A plan that is being applied comes to its end.",
      action: paused ? "Resume" : "Pause",
      act: () => this.post(this.ofModel("director"), { paused: !paused }),
    });
  }

  changeDirector() {
    const now = this.state.status?.director;
    const given = now ?? { policy: "incremental", every: 10, trigger: 1.1, horizonSteps: 500, coolDownSteps: 30, bytesPerStep: 64 << 20 };
    ask({
      title: "Settings of the director",
      fields: [
        { name: "on", label: "The placement follows the load", kind: "check", value: now !== null && now !== undefined },
        { name: "policy", label: "Policy", kind: "select", value: given.policy, options: this.session.policies.map((policy) => [policy, policy]) },
        { name: "every", label: "Steps from one plan to the next", kind: "number", value: given.every, min: 1, step: 1 },
        { name: "trigger", label: "Balance ratio above which it plans", kind: "number", value: given.trigger, min: 1, step: "any" },
        { name: "horizonSteps", label: "Steps in which a plan must pay", kind: "number", value: given.horizonSteps, min: 1, step: 1 },
        { name: "coolDownSteps", label: "Steps of rest for an expert that has moved", kind: "number", value: given.coolDownSteps, min: 0, step: 1 },
        { name: "bytesPerStep", label: "Bytes that may move in a step", kind: "number", value: given.bytesPerStep, min: 0, step: 1 },
      ],
      says: ({ on, policy, every, trigger }) =>
        on
          ? `A plan by ${policy} every ${every ?? "?"} steps, for layers above ${fixed(Number(trigger), 2)}.`
          : "Experts stay where they are from now on. Its settings are forgotten; Pause would keep them.",
      action: "Change them",
      act: ({ on, ...settings }) => this.post(this.ofModel("director"), on ? { on, ...settings } : { on }),
    });
  }

  takeSnapshot() {
    const step = this.state.status?.step ?? 0;
    ask({
      title: "Take a snapshot",
      says: () => `All workers write what they hold, at step ${count(step)} or the one at work. Steps wait for it. If a silo is lost, the run goes on from there.`,
      action: "Take it",
      act: () => this.post(this.ofModel("snapshot")),
    });
  }

  drainSilo() {
    const { state } = this;
    const drained = new Set(state.status?.drained ?? []);
    const silos = state.cluster.silos.filter((silo) => silo.state === "active").map((silo) => silo.name);
    ask({
      title: "Drain a silo",
      fields: [
        { name: "silo", label: "Silo", kind: "select", value: silos[silos.length - 1], options: silos.map((silo) => [silo, drained.has(silo) ? `${silo} (drained)` : silo]) },
      ],
      says: ({ silo }) =>
        drained.has(String(silo))
          ? `All models use ${silo} again from their next step on, and experts go to it.`
          : `Its experts, of all models, go to the other silos, and it takes part in no step any more, until it is let in again. Nothing is lost, and results do not change. Then it can be ended without anybody noticing.`,
      action: "Go on",
      act: ({ silo }) => this.post(`silos/${encodeURIComponent(String(silo))}/${drained.has(String(silo)) ? "undrain" : "drain"}`),
    });
  }
}
