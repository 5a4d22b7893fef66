/** So long, and it is not worth to wait for the next one. */
const QUICK_MS = 0.5;
const MOST = 500;
/** Longer sources are never known. */
const LONGEST_CHARS = 64 * 1024;

/** Which sources were quick when they ran last. */
export class Paces {
  /** By source, the one known longest first. One that is forgotten is soon known again. */
  readonly #wasQuick = new Map<string, boolean>();

  isQuick(source: string): boolean {
    return this.#wasQuick.get(source) === true;
  }

  note(source: string, ms: number): void {
    if (source.length > LONGEST_CHARS) return;
    const isQuick = ms < QUICK_MS;
    if (this.#wasQuick.get(source) === isQuick) return;
    this.#wasQuick.set(source, isQuick);
    if (this.#wasQuick.size > MOST) for (const [oldest] of this.#wasQuick) return void this.#wasQuick.delete(oldest);
  }
}
