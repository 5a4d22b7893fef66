import type { ClientTCP } from '@nestjs/microservices';
import type { Freshness, Reads } from '@runlog/contract';
import { firstValueFrom, timeout } from 'rxjs';
import { readsPatterns } from './reads-patterns.js';

/** No `queries` process answered. */
export class ReadsUnavailable extends Error {
  constructor(addresses: readonly string[], cause: unknown) {
    super(`Expected one of ${addresses.join(', ')} to answer a read, but none did: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** A read that `queries` received and failed at: asking another process would fail as well. */
class Refused extends Error {}

export interface ReadsClientOptions {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Longest wait for an answer of one process, on top of the wait that a read asks for; then another is asked. Default 5 s. */
  readonly timeoutMs?: number;
}

const RESTING_MS = 1_000;

interface Peer {
  readonly name: string;
  readonly client: Promise<ClientTCP>;
  /** It could not be reached: others are asked first until then. */
  restsUntil: number;
}

/** What speaks Nest TCP is loaded by those who ask other processes alone. */
const clientOf = async (host: string, port: number): Promise<ClientTCP> => {
  const { ClientProxyFactory, Transport } = await import('@nestjs/microservices');
  return ClientProxyFactory.create({ transport: Transport.TCP, options: { host, port } }) as ClientTCP;
};

const waitOf = (payload: { readonly fresh?: Pick<Freshness, 'timeoutMs'> } | object): number => ('fresh' in payload && payload.fresh?.timeoutMs) || 0;

/** `Reads` over Nest TCP from several `queries` processes, in turn; one that cannot be reached is passed over. Reads change nothing, so that each may be asked again. */
export class ReadsClient implements Reads {
  readonly #peers: readonly Peer[];
  readonly #timeoutMs: number;
  #turn = 0;

  constructor({ addresses, timeoutMs = 5_000 }: ReadsClientOptions) {
    if (addresses.length === 0) throw new Error('Expected the address of at least one queries process, but got none');
    this.#timeoutMs = timeoutMs;
    this.#peers = addresses.map(({ host, port }) => ({
      name: `${host}:${port}`,
      client: clientOf(host, port),
      restsUntil: 0,
    }));
  }

  execution: Reads['execution'] = (ask) => this.#ask('execution', ask);
  executions: Reads['executions'] = (filter) => this.#ask('executions', filter);
  events: Reads['events'] = (ask) => this.#ask('events', ask);
  logs: Reads['logs'] = (ask) => this.#ask('logs', ask);
  frames: Reads['frames'] = (ask) => this.#ask('frames', ask);
  heard: Reads['heard'] = (ask) => this.#ask('heard', ask);
  nodes: Reads['nodes'] = (ask) => this.#ask('nodes', ask);
  gates: Reads['gates'] = (filter) => this.#ask('gates', filter);
  tree: Reads['tree'] = (ask) => this.#ask('tree', ask);
  usage: Reads['usage'] = (filter) => this.#ask('usage', filter);
  sessions: Reads['sessions'] = (filter) => this.#ask('sessions', filter);
  turns: Reads['turns'] = (filter) => this.#ask('turns', filter);
  replayNodes: Reads['replayNodes'] = (ask) => this.#ask('replayNodes', ask);
  effects: Reads['effects'] = (ask) => this.#ask('effects', ask);
  positions: Reads['positions'] = () => this.#ask('positions', {});

  close(): void {
    for (const { client } of this.#peers) void client.then((made) => made.close());
  }

  async #ask<Method extends keyof Reads>(method: Method, payload: object): Promise<Awaited<ReturnType<Reads[Method]>>> {
    let failure: unknown;
    for (const peer of this.#inTurn()) {
      try {
        return (await this.#askOne(peer, readsPatterns[method], payload, this.#timeoutMs + waitOf(payload))) as Awaited<ReturnType<Reads[Method]>>;
      } catch (cause) {
        if (cause instanceof Refused) throw cause;
        peer.restsUntil = Date.now() + RESTING_MS;
        failure = cause;
      }
    }
    throw new ReadsUnavailable(
      this.#peers.map(({ name }) => name),
      failure,
    );
  }

  /** All of them: first those that answered last time, each time beginning with another one. */
  #inTurn(): Peer[] {
    const first = this.#turn++ % this.#peers.length;
    const inTurn = [...this.#peers.slice(first), ...this.#peers.slice(0, first)];
    const now = Date.now();
    return [...inTurn.filter(({ restsUntil }) => restsUntil <= now), ...inTurn.filter(({ restsUntil }) => restsUntil > now)];
  }

  async #askOne({ client, name }: Peer, pattern: string, payload: unknown, timeoutMs: number): Promise<unknown> {
    const made = await client;
    await made.connect();
    const answer = (await firstValueFrom(made.send(pattern, payload).pipe(timeout(timeoutMs)))) as { readonly ok: unknown } | { readonly failed: string };
    if ('failed' in answer) throw new Refused(`Expected '${name}' to answer ${pattern}, but ${answer.failed}`);
    return answer.ok;
  }
}
