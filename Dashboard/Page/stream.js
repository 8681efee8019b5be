// @ts-check
/** The stream of server-sent events: one at a time, of one model and layer. The browser takes it up again where it broke off. */

export class Stream {
  /**
   * @param {(isSnapshot: boolean, message: any) => void} take
   * @param {(isLive: boolean) => void} link
   */
  constructor(take, link) {
    this.take = take;
    this.link = link;
    /** @type {EventSource | null} */
    this.source = null;
    this.retry = 0;
  }

  /** @param {string | null} model @param {number} layer */
  open(model, layer) {
    this.source?.close();
    clearTimeout(this.retry);
    const query = new URLSearchParams({ layer: String(layer) });
    if (model !== null) query.set("model", model);
    const source = new EventSource(`api/stream?${query}`);
    this.source = source;
    for (const kind of ["snapshot", "delta"]) {
      source.addEventListener(kind, (event) => this.take(kind === "snapshot", JSON.parse(/** @type {MessageEvent} */ (event).data)));
    }
    source.onopen = () => this.link(true);
    source.onerror = () => {
      this.link(false);
      // Refused, as when too many look: the browser does not come again by itself.
      if (source.readyState === EventSource.CLOSED) this.retry = window.setTimeout(() => this.open(model, layer), 3000);
    };
  }
}
