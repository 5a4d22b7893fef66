import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** The outcome of a statement is unknown: the connection broke, or the server did not answer in time. It may still be carried out. */
export class OutcomeUnknown extends Error {}

/**
 * One connection of its own that is made again when it breaks. A statement without an answer in time breaks it: its outcome is unknown,
 * and nothing else may run behind it on the same connection.
 */
export class Session {
  private client: pg.Client | undefined;
  private connecting: Promise<pg.Client> | undefined;
  private closed = false;
  private before: Promise<unknown> = Promise.resolve();

  /** @param onLost told each time a connection that had been made is lost. */
  constructor(
    private readonly config: pg.ClientConfig,
    private readonly settings: string,
    private readonly onLost: () => void = () => undefined,
  ) {}

  get connected(): boolean {
    return this.client !== undefined;
  }

  /** @throws OutcomeUnknown, or the server's verdict: then the statement had no effect. */
  query<Row extends pg.QueryResultRow>(query: pg.QueryConfig, timeoutMs: number): Promise<Row[]> {
    const answer = this.before.then(() => this.run<Row>(query, timeoutMs));
    // Whoever asked hears of it; the next statement has its turn all the same.
    this.before = answer.catch(() => undefined);
    return answer;
  }

  private async run<Row extends pg.QueryResultRow>(query: pg.QueryConfig, timeoutMs: number): Promise<Row[]> {
    const client = this.client ?? (await this.connect());
    const timer = setTimeout(() => this.drop(client), timeoutMs);
    try {
      return (await client.query<Row>(query)).rows;
    } catch (error) {
      if (isVerdict(error)) throw error;
      this.drop(client);
      throw new OutcomeUnknown(`the connection to the database failed: ${(error as Error).message}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Connects if need be, waiting between attempts until `enough` says so. @throws OutcomeUnknown when closed. */
  async ready(enough: () => boolean = () => false): Promise<void> {
    for (let wait = 10; !this.client && !enough(); wait = Math.min(wait * 2, 500)) {
      if (this.closed) throw new OutcomeUnknown('the log is stopped');
      await this.connect().catch(() => delay(wait));
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    // What was not connected, or is not any more, needs no end.
    const client = this.client ?? (await this.connecting?.catch(() => undefined));
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private connect(): Promise<pg.Client> {
    this.connecting ??= this.open().finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  private async open(): Promise<pg.Client> {
    if (this.closed) throw new OutcomeUnknown('the log is stopped');
    const client = new pg.Client({ ...this.config, password: this.config.password, keepAlive: true, connectionTimeoutMillis: 5_000 });
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    try {
      await client.connect();
      await client.query(this.settings);
    } catch (cause) {
      // Why it could not connect says more.
      client.end().catch(() => undefined);
      throw new OutcomeUnknown(`the database cannot be reached: ${(cause as Error).message}`, { cause });
    }
    this.client = client;
    return client;
  }

  private drop(client: pg.Client): void {
    if (this.client !== client) return;
    this.client = undefined;
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    if (!this.closed) this.onLost();
  }
}

/** The server has answered, so it did not carry the statement out. Class 57 and 08 come with the end of the connection. */
const isVerdict = (error: unknown): boolean => {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57P') && !code.startsWith('08') && !/^E[A-Z]+$/.test(code);
};
