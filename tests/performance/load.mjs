// The load client's process, and how to ask it.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pinnedNode } from '../../deploy/local/setup.mjs';

/** `ask(kind, options)`: see the client for both. */
export function startClient() {
  const child = fork(fileURLToPath(new URL('./client.mjs', import.meta.url)), [], {
    execPath: pinnedNode(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let n = 0;
  return {
    ask: (kind, options) =>
      new Promise((done, fail) => {
        const id = ++n;
        const hear = (message) => {
          if (message.id !== id) return;
          child.off('message', hear);
          if (message.error) fail(new Error(message.error));
          else done(message.result);
        };
        child.on('message', hear).send({ id, kind, options });
      }),
    close: () => child.disconnect(),
  };
}
