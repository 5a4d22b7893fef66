// What the sample talks to, on free ports of this machine: a file server with the data set, and a sink that keeps what is posted to it.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

/** The countries of the world as the npm package `world-countries` publishes them. */
export const dataSet = () => createRequire(import.meta.url).resolve('world-countries/dist/countries-unescaped.json');

const listen = (handler) =>
  new Promise((done, fail) => {
    const server = createServer((request, response) => handler(request, response).catch((error) => response.writeHead(500).end(String(error))));
    server.once('error', fail).listen(0, '127.0.0.1', () => done(server));
  });

/** Resolves with `{ source, sink, posted, close() }`; `posted` grows by one entry per request `{ key, body }`. */
export async function startServers() {
  const file = await readFile(dataSet());
  const posted = [];
  const files = await listen(async (_request, response) => {
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': file.length,
      })
      .end(file);
  });
  const sink = await listen(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    posted.push({
      key: request.headers['idempotency-key'],
      body: JSON.parse(text),
    });
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ receipt: `receipt-${posted.length}` }));
  });
  return {
    source: `http://127.0.0.1:${files.address().port}/countries.json`,
    sink: `http://127.0.0.1:${sink.address().port}/reports`,
    posted,
    close: () => Promise.all([files, sink].map((server) => new Promise((done) => (server.closeAllConnections(), server.close(done))))),
  };
}

if (process.argv.includes('--serve')) {
  const servers = await startServers();
  process.send?.({ source: servers.source, sink: servers.sink });
  process.on('message', () => process.send?.({ posted: servers.posted }));
  process.on('disconnect', () => process.exit(0));
}
