/** Whole lines out of chunks, in time linear in their length. */
export class Lines {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** @param maxBytes of one line */
  constructor(private readonly maxBytes: number) {}

  /** The lines that end in this chunk, without their ends. Throws when one is too long. */
  *read(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      const line = Buffer.concat(this.#parts).toString('utf8').replace(/\r$/, '');
      this.#parts = [];
      this.#bytes = 0;
      yield line;
    }
    this.#keep(chunk.subarray(from));
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.maxBytes) throw new Error(`Expected a message of at most ${this.maxBytes} bytes, but it has more`);
    if (part.length > 0) this.#parts.push(part);
  }
}
