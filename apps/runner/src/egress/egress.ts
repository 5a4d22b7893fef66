import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { Agent, buildConnector } from 'undici';
import { EgressDenied, EgressPolicy, type EgressRules } from './policy.js';
import { undici } from './undici.js';

/** An address of a host, as `dns.lookup` gives it. */
export interface Resolved {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly Resolved[]>;

const resolveBySystem: Resolve = (host) => systemLookup(host, { all: true, verbatim: true });

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The only way out for nodes. Each new connection resolves the name once, checks every address, and connects to no other than those
 * it checked, so a name that changes its answer between check and connect gains nothing.
 */
export class Egress {
  #dispatcher: Agent | undefined;
  #freshDispatcher: Agent | undefined;
  readonly #policy: EgressPolicy;
  readonly #resolve: Resolve;

  constructor(rules: EgressRules, resolve: Resolve = resolveBySystem) {
    this.#policy = new EgressPolicy(rules);
    this.#resolve = resolve;
  }

  get dispatcher(): Agent {
    this.#dispatcher ??= this.#agent({ keepAliveTimeout: 4_000 });
    return this.#dispatcher;
  }

  /** Each request on a connection of its own. */
  get freshDispatcher(): Agent {
    this.#freshDispatcher ??= this.#agent({ pipelining: 0 });
    return this.#freshDispatcher;
  }

  /** What can be told from the URL alone. @throws EgressDenied */
  checkUrl(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new EgressDenied(url.protocol, 'is not http or https');
    const host = bare(url.hostname);
    if (isIP(host)) this.#policy.check(host, host, portOf(url.protocol, url.port));
  }

  async close(): Promise<void> {
    await Promise.all([this.#dispatcher?.destroy(), this.#freshDispatcher?.destroy()]);
  }

  /** As many connections as there are requests: how many these are, the runner's slots decide. A slow server holds up nobody else. */
  #agent(options: Agent.Options): Agent {
    return new (undici().Agent)({ connect: this.#connect, connections: null, bodyTimeout: 0, headersTimeout: 0, ...options });
  }

  #connect: buildConnector.connector = (options, callback) => {
    const host = bare(options.hostname);
    const port = portOf(options.protocol, options.port);
    this.#checkedAddresses(host, port).then(
      (addresses) => {
        const connector = undici().buildConnector({
          timeout: CONNECT_TIMEOUT_MS,
          allowH2: false,
          autoSelectFamily: true,
          lookup: pinnedTo(addresses),
        } as buildConnector.BuildOptions);
        connector(options, (error, socket) => {
          if (error || !socket) return callback(error ?? new Error('No socket'), null);
          try {
            this.#policy.check(host, socket.remoteAddress ?? '', port);
            callback(null, socket);
          } catch (denied) {
            socket.destroy();
            callback(denied as Error, null);
          }
        });
      },
      (error: Error) => callback(error, null),
    );
  };

  async #checkedAddresses(host: string, port: number): Promise<readonly Resolved[]> {
    const addresses = isIP(host) ? [{ address: host, family: isIP(host) }] : await this.#resolve(host);
    if (addresses.length === 0) throw new EgressDenied(host, 'has no address');
    for (const { address } of addresses) this.#policy.check(host, address, port);
    return addresses;
  }
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

const portOf = (protocol: string, port: string): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));

const pinnedTo =
  (addresses: readonly Resolved[]): LookupFunction =>
  (_host, options, callback) => {
    const first = addresses[0] as Resolved;
    if (options.all) return callback(null, addresses as { address: string; family: number }[]);
    return callback(null, first.address, first.family);
  };
