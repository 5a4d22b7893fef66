import type { Client } from '@modelcontextprotocol/sdk/client/index.js';

/** A connection that nobody has used for so long is closed; the next use opens it anew. */
const IDLE_MS = 300_000;
/** A server that did not answer in time and does not answer a ping either has gone. */
const PING_WITHIN_MS = 2_000;

/** A connected client, and how to end it. */
export interface Connected {
  readonly client: Client;
  close(): Promise<void>;
}

/** One connection to a server, from its first use until nobody has used it for a while, or the server has gone. */
export class Connection {
  #connected: Promise<Connected> | undefined;
  #uses = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly connect: (onGone: () => void) => Promise<Connected>,
    /** It has come to its end; whoever needs the server takes another one. */
    private readonly onEnd: (self: Connection) => void,
    private readonly idleMs = IDLE_MS,
  ) {}

  async use<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    clearTimeout(this.#idle);
    this.#uses++;
    try {
      return await work((await this.#open()).client);
    } finally {
      if (--this.#uses === 0) this.#idle = setTimeout(() => void this.drop(), this.idleMs).unref();
    }
  }

  /** Ends what there is; whoever still waits for an answer hears that the connection was closed. */
  async drop(): Promise<void> {
    clearTimeout(this.#idle);
    const connected = this.#connected;
    this.#connected = undefined;
    this.onEnd(this);
    // What was never connected or is gone needs no end; why it is, its users were told.
    await connected?.then((one) => one.close()).catch(() => undefined);
  }

  /** After a call that had no answer in time: a server that hangs for good must not keep the next one waiting, too. */
  async dropUnlessAlive(client: Client): Promise<void> {
    try {
      await client.ping({ timeout: PING_WITHIN_MS });
    } catch {
      // Another connection may have taken its place, or be about to fail by itself.
      if ((await this.#connected?.catch(() => undefined))?.client === client) await this.drop();
    }
  }

  #open(): Promise<Connected> {
    if (this.#connected) return this.#connected;
    const mine: Promise<Connected> = this.connect(() => this.#forget(mine));
    this.#connected = mine;
    mine.catch(() => this.#forget(mine));
    return mine;
  }

  #forget(gone: Promise<Connected>): void {
    if (this.#connected !== gone) return;
    this.#connected = undefined;
    this.onEnd(this);
  }
}
