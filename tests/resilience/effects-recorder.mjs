// The world outside, in a process of its own: writes every request down before it does anything with it. Paths are `/<execution>/<node>`;
// most requests it answers soon, some late, some it breaks off. `GET /hits` gives all that it was asked, `GET /open` how many wait.
import { createServer } from 'node:http';

const [seed = 1, slowMs = 2_000, breaks = 0.05] = process.argv.slice(2).map(Number);
let state = seed;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const hits = [];
let open = 0;
const server = createServer((request, response) => {
  const [, execution, node] = request.url.split('/');
  if (execution === 'hits') return response.end(JSON.stringify(hits));
  if (execution === 'open') return response.end(String(open));
  hits.push({ execution, node, key: request.headers['idempotency-key'] ?? null, at: Date.now() });
  request.resume();
  if (random() < breaks) return request.socket.destroy();
  open++;
  response.on('close', () => open--);
  setTimeout(() => response.setHeader('content-type', 'application/json').end('{"done":true}'), random() < 0.3 ? random() * slowMs : random() * 100);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
