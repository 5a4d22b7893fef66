const elementTypes = { boolean: 16, bytea: 17, bigint: 20, integer: 23, text: 25 };

const headBytes = 20;
const initialBytes = 4 * 1024;
/** What a large write has made it grow to beyond this is given back. */
const keptBytes = 1024 * 1024;

/** An array parameter, written as PostgreSQL reads it and used again for each statement: nothing is escaped here, parsed there, or left to collect. */
export class BinaryColumn {
  private bytes = Buffer.allocUnsafeSlow(initialBytes);
  private at = headBytes;
  private count = 0;

  constructor(private readonly type: keyof typeof elementTypes) {}

  boolean(value: boolean): void {
    this.element(1);
    this.bytes[this.at++] = value ? 1 : 0;
  }

  /** Of 32 bits. */
  integer(value: number): void {
    this.element(4);
    this.at = this.bytes.writeInt32BE(value, this.at);
  }

  /** @param value a safe integer. */
  bigint(value: number): void {
    this.element(8);
    this.at = this.bytes.writeInt32BE(Math.floor(value / 2 ** 32), this.at);
    this.at = this.bytes.writeUInt32BE(value >>> 0, this.at);
  }

  /** Also for the UTF-8 bytes of a text in `bytea`. */
  text(value: string): void {
    const start = this.at;
    this.element(3 * value.length);
    const written = this.bytes.write(value, this.at);
    this.bytes.writeInt32BE(written, start);
    this.at += written;
  }

  blob(value: Buffer): void {
    this.element(value.length);
    this.at += value.copy(this.bytes, this.at);
  }

  /** What was added; it must have been sent before more is. */
  take(): Buffer {
    const { bytes, at, count } = this;
    bytes.writeInt32BE(count === 0 ? 0 : 1, 0);
    bytes.writeInt32BE(0, 4);
    bytes.writeInt32BE(elementTypes[this.type], 8);
    bytes.writeInt32BE(count, 12);
    bytes.writeInt32BE(1, 16);
    if (bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes);
    this.at = headBytes;
    this.count = 0;
    return bytes.subarray(0, count === 0 ? 12 : at);
  }

  private element(atMostBytes: number): void {
    const needed = this.at + 4 + atMostBytes;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.at);
      this.bytes = larger;
    }
    this.at = this.bytes.writeInt32BE(atMostBytes, this.at);
    this.count++;
  }
}
