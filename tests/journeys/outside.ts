import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Something outside of Runlog that its nodes and tools call. */
export interface Outside {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string;
  /** What hangs is cut off. */
  stop(): void;
}

/** A server of this process on a free port of 127.0.0.1. */
export const startOutside = async (answer: RequestListener): Promise<Outside> => {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
