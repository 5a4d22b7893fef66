import type { LogRecord } from '../port.js';
import type { Topic } from '../topics.js';
import { readHeaders } from './stored-headers.js';

/** A record that this process has just written: its value is the text that it was given, and bytes only for who asks for them. */
export class WrittenRecord implements LogRecord {
  constructor(
    readonly topic: Topic,
    readonly partition: number,
    readonly offset: number,
    readonly key: string,
    readonly headers: Readonly<Record<string, string>>,
    private readonly content: Buffer | string,
    readonly at: number,
  ) {}

  get text(): string | undefined {
    return typeof this.content === 'string' ? this.content : undefined;
  }

  get value(): Buffer {
    return typeof this.content === 'string' ? Buffer.from(this.content) : this.content;
  }
}

/** A record out of the table. Some readers look at few records' headers, so they are decoded when somebody asks. */
export class StoredRecord implements LogRecord {
  private decoded: Readonly<Record<string, string>> | undefined;

  constructor(
    readonly topic: Topic,
    readonly partition: number,
    readonly offset: number,
    readonly key: string,
    private readonly stored: string,
    readonly value: Buffer,
    readonly at: number,
  ) {}

  get headers(): Readonly<Record<string, string>> {
    this.decoded ??= readHeaders(this.key, this.stored);
    return this.decoded;
  }
}
