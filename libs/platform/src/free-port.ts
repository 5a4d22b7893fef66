import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections: one of those could be taken before its listener is up. */
const FIRST = 10_000;
const LAST = 32_000;
const TRIES = 100;

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`Expected a free port of 127.0.0.1 between ${FIRST} and ${LAST}, but ${TRIES} of them were taken`);
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
