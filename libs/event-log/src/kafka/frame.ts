/** Bytes of a request being written; grows as needed. */
export class Frame {
  private bytes: Buffer;
  private at = 0;

  constructor(likelyBytes: number) {
    this.bytes = Buffer.allocUnsafe(likelyBytes);
  }

  written(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  int8(value: number): this {
    this.room(1);
    this.at = this.bytes.writeInt8(value, this.at);
    return this;
  }

  int16(value: number): this {
    this.room(2);
    this.at = this.bytes.writeInt16BE(value, this.at);
    return this;
  }

  int32(value: number): this {
    this.room(4);
    this.at = this.bytes.writeInt32BE(value, this.at);
    return this;
  }

  /** A whole number that a double holds. */
  int64(value: number): this {
    this.room(8);
    this.bytes.writeInt32BE(Math.floor(value / 2 ** 32), this.at);
    this.bytes.writeUInt32BE(((value % 2 ** 32) + 2 ** 32) % 2 ** 32, this.at + 4);
    this.at += 8;
    return this;
  }

  text(value: string): this {
    const length = Buffer.byteLength(value);
    this.int16(length).room(length);
    this.at += this.bytes.write(value, this.at);
    return this;
  }

  blob(value: Buffer): this {
    this.int32(value.length).room(value.length);
    this.at += value.copy(this.bytes, this.at);
    return this;
  }

  private room(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.at + more));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}
