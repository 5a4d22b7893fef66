import { createServer } from 'node:net';

/** Throws before anything is started when the public port is taken, with a sentence for the person who chose it. */
export const requireFreePort = async ({ host, port }: { readonly host: string; readonly port: number }): Promise<void> => {
  const server = createServer();
  try {
    await new Promise<void>((free, taken) => server.once('error', taken).listen(port, host, free));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const because = code === 'EADDRINUSE' ? 'another process listens there' : message;
    throw new Error(`Expected to listen on ${host}:${port} (PORT), but ${because}; stop it or set PORT to another number`);
  }
  await new Promise((closed) => server.close(closed));
};
