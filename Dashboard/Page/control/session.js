// @ts-check
/** Who is in control: a name and the token, kept in this page's memory alone. */

const header = "MoE-Control-Token";

export class Session {
  constructor() {
    this.isOn = false;
    this.hasOrleans = false;
    /** @type {string[]} */
    this.policies = [];
    this.name = "";
    this.token = "";
  }

  /** Whether somebody has brought the token. */
  get isOpen() {
    return this.token !== "";
  }

  /** Asks what there is here at all. */
  async load() {
    const answer = await fetch("api/about");
    if (!answer.ok) return;
    const { hasControl, policies, hasOrleans } = await answer.json();
    this.isOn = hasControl;
    this.hasOrleans = hasOrleans;
    this.policies = policies;
  }

  /** @param {string} name @param {string} token */
  async open(name, token) {
    await this.send(token, "check", { by: name });
    this.name = name;
    this.token = token;
  }

  close() {
    this.token = "";
  }

  /**
   * Asks for a change.
   * @param {string} path
   * @param {Record<string, unknown>} change
   * @returns {Promise<string>} What has been done.
   * @throws {Error} Why nothing was changed.
   */
  async post(path, change = {}) {
    return this.send(this.token, path, { ...change, by: this.name });
  }

  /** @param {string} token @param {string} path @param {Record<string, unknown>} body @returns {Promise<string>} */
  async send(token, path, body) {
    const answer = await fetch(`api/control/${path}`, { method: "POST", headers: { "Content-Type": "application/json", [header]: token }, body: JSON.stringify(body) }).catch(
      () => null,
    );
    if (!answer) throw new Error("The dashboard does not answer.");
    const said = await answer.json().catch(() => null);
    if (answer.ok) return said?.done ?? "";
    if (answer.status === 401) this.close();
    throw new Error(said?.detail ?? `It was refused: ${answer.status}.`);
  }
}
