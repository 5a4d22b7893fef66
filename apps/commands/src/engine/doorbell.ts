/** Wakes the one who waits; a ring while nobody waits is remembered. Any number of rings before a wait count as one. */
export class Doorbell {
  #rung = false;
  #open: (() => void) | undefined;

  ring(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open) open();
    else this.#rung = true;
  }

  wait(): Promise<void> {
    if (this.#rung) {
      this.#rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  }
}
