// @ts-check
/**
 * What the page knows. The server sends parts by name; each message replaces those that it has, but for lists that grow.
 *
 * @typedef {{ name: string, address: string, state: string, since: string, wasLeaving: boolean }} Silo
 * @typedef {{ rank: number, silo: string, address: string, index: number, budget: number, used: number, model: number, shards: number,
 *   share: number | null, tokensPerSecond: number | null, time: { compute: number, exchange: number, waiting: number } | null }} Worker
 * @typedef {{ layer: number, experts: number, shards: number, ratio: number | null, windowRatio: number | null, tokens: number, dropped: number,
 *   deadExperts: number, dead: number[], routerEntropy: number | null, parallelism: string, transientCopies: number,
 *   tuning: string | null, slices: number, exchange: string }} Layer
 * @typedef {{ expert: number, from: string[], to: number[], view: number, step: number, time: string }} Move
 * @typedef {{ layer: number, view: number, ranks: number[][], moves: Move[] }} Placement
 * @typedef {{ layer: number, from: number, to: number, view: number, tokens: number[], shares: { expert: number, tokens: number[] }[], workers: number[] }} Load
 * @typedef {{ layer: number, arrivals: { expert: number, from: number, to: number }[], ratioBefore: number, predictedRatio: number, measuredRatio: number | null,
 *   secondsBefore: number, predictedSeconds: number, measuredSecondsBefore: number | null, measuredSeconds: number | null, reason: string }} LayerDecision
 * @typedef {{ number: number, step: number, time: string | null, state: string, concludedAt: number, failure: string | null, shardsMoved: number, bytesMoved: number,
 *   copySeconds: number, waitSeconds: number, layers: LayerDecision[] }} Decision
 * @typedef {{ number: number, time: string, step: number, kind: string, text: string }} Note
 * @typedef {{ name: string, step: number, view: number, term: number, device: string, newest: any, window: number[] | null, snapshotStep: number,
 *   director: any, drained: string[], predictionError: number | null, problem: string | null }} Status
 * @typedef {Record<string, (number | null)[]>} SeriesColumns
 */

/** Points of a series that are kept: a day of seconds. */
const mostPoints = 90000;

export class State {
  /** @type {{ silos: Silo[], problem: string | null }} */
  cluster = { silos: [], problem: null };
  /** @type {{ name: string, step: number, isLayer: boolean }[]} */
  models = [];
  /** @type {Status | null} */
  status = null;
  /** @type {{ configuration: any, parameters: number, shardBytes: number, isLayer: boolean, gates: any[] } | null} */
  run = null;
  /** @type {Worker[]} */
  workers = [];
  /** @type {Layer[]} */
  layers = [];
  /** @type {Placement | null} */
  placement = null;
  /** @type {Load | null} */
  load = null;
  /** @type {Map<number, Decision>} */
  decisions = new Map();
  /** @type {Map<number, Note>} */
  notes = new Map();
  /** @type {SeriesColumns} */
  series = {};
  /** When the page saw the last step. */
  steppedAt = 0;

  /** Forgets what it knows of a model. */
  forget() {
    this.status = this.run = this.placement = this.load = null;
    this.workers = [];
    this.layers = [];
    this.decisions = new Map();
    this.notes = new Map();
    this.series = {};
    this.steppedAt = 0;
  }

  /**
   * Takes a message in.
   * @param {boolean} isSnapshot
   * @param {any} message
   * @returns {Set<string>} The parts that have changed.
   */
  take(isSnapshot, message) {
    const before = isSnapshot ? null : this.status?.step;
    if (isSnapshot) this.forget();
    for (const part of ["cluster", "models", "status", "run", "workers", "layers", "placement", "load"]) {
      // @ts-ignore Parts are named as their properties.
      if (part in message) this[part] = message[part];
    }
    for (const decision of message.decisions ?? []) this.decisions.set(decision.number, decision);
    for (const note of message.notes ?? []) this.notes.set(note.number, note);
    if (message.series) this.append(message.series);
    const newest = this.status?.newest;
    if (newest && (before === null ? Date.now() - Date.parse(newest.time) < 15000 : before !== this.status?.step)) this.steppedAt = Date.now();
    return new Set(isSnapshot ? ["cluster", "models", "status", "run", "workers", "layers", "placement", "load", "decisions", "notes", "series"] : Object.keys(message));
  }

  /** @param {SeriesColumns} points */
  append(points) {
    for (const [name, values] of Object.entries(points)) {
      const column = (this.series[name] ??= []);
      for (const value of values) column.push(value);
      if (column.length > mostPoints) column.splice(0, column.length - mostPoints);
    }
  }

  /** Whether the model trains now. */
  get isTraining() {
    const patience = Math.max(6000, 4000 * (this.status?.newest?.seconds ?? 0));
    return this.steppedAt > 0 && Date.now() - this.steppedAt < patience;
  }

  /** How a silo stands, in a word. @param {Silo} silo */
  stateOf(silo) {
    switch (silo.state) {
      case "joining":
        return "joining";
      case "leaving":
        return "draining";
      case "dead":
        return silo.wasLeaving ? "left" : "lost";
      default:
        if (this.status?.drained.includes(silo.name)) return this.workers.some((worker) => worker.address === silo.address) ? "draining" : "drained";
        return this.isTraining && this.workers.some((worker) => worker.address === silo.address) ? "training" : "ready";
    }
  }

  /** The routing policy of a layer. @param {number} layer */
  gateOf(layer) {
    return this.run?.gates.find((gate) => gate.layer === layer)?.options ?? this.run?.configuration?.model?.gate ?? {};
  }

  /** Decisions, newest first. */
  get newestDecisions() {
    return [...this.decisions.values()].sort((a, b) => b.number - a.number);
  }

  /** Notes, newest first. */
  get newestNotes() {
    return [...this.notes.values()].sort((a, b) => b.number - a.number);
  }

  /** Of a rank, the name of its silo; with several devices a silo, the device as well. @param {number} rank */
  nameOf(rank) {
    const worker = this.workers[rank];
    if (!worker) return `rank ${rank}`;
    const alone = this.workers.filter((other) => other.address === worker.address).length === 1;
    return alone ? worker.silo : `${worker.silo}/${worker.index}`;
  }
}
