import type { BlockList } from 'node:net';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isPublic, isWithin, rangesOf } from './ranges.js';

/** A place that a node may not reach. */
export class EgressDenied extends Error {
  constructor(place: string, because: string) {
    super(`Expected to reach a public host, but '${place}' ${because}; RUNLOG_EGRESS_ALLOW names the private ones that nodes may reach`);
  }
}

export interface EgressRules {
  /** Of `RUNLOG_EGRESS_ALLOW`: host, IP, CIDR range, `host:port` or `ip:port` (`[ip]:port` for IPv6). */
  readonly allow: readonly string[];
  /** Runlog's own ports: never reachable on this machine or in private ranges, whatever `allow` says. Read at each check. */
  readonly denyPorts: Iterable<number>;
}

interface Exception {
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly ranges: BlockList | undefined;
}

const exceptionOf = (entry: string): Exception => {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry);
  const withPort = bracketed ?? (isIP(entry) === 6 ? null : /^([^:]+):(\d+)$/.exec(entry));
  const place = (withPort?.[1] ?? entry).toLowerCase();
  const port = withPort?.[2] === undefined ? undefined : Number(withPort[2]);
  const isAddress = isIP(place.split('/')[0] ?? '') !== 0;
  return { port, host: isAddress ? undefined : place.replace(/\.$/, ''), ranges: isAddress ? rangesOf([place]) : undefined };
};

/** Decides on a host name, port and the very address that will be connected to; names alone prove nothing. */
export class EgressPolicy {
  readonly #exceptions: readonly Exception[];
  readonly #denyPorts: Iterable<number>;

  /** Throws a RangeError or TypeError when an entry of `allow` is not one. */
  constructor(rules: EgressRules) {
    this.#exceptions = rules.allow.map(exceptionOf);
    this.#denyPorts = rules.denyPorts;
  }

  /** @throws EgressDenied */
  check(host: string, address: string, port: number): void {
    const plain = address.replace(/%.*$/, '');
    const place = host === plain ? host : `${host} (${plain})`;
    const isPrivate = !isPublic(plain);
    if ((isPrivate || isOwnAddress(plain)) && [...this.#denyPorts].includes(port)) throw new EgressDenied(`${place}:${port}`, "is one of Runlog's own ports");
    if (isPrivate && !this.#isExcepted(host.toLowerCase().replace(/\.$/, ''), plain, port)) throw new EgressDenied(place, 'is not a public address');
  }

  #isExcepted(host: string, address: string, port: number): boolean {
    return this.#exceptions.some((exception) => {
      if (exception.port !== undefined && exception.port !== port) return false;
      return exception.ranges ? isWithin(exception.ranges, address) : exception.host === host;
    });
  }
}

const isOwnAddress = (address: string): boolean => Object.values(networkInterfaces()).some((list) => list?.some((own) => own.address === address));
