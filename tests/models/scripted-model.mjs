// A language model that says what scripts tell it (script.mjs), in a process of its own: OpenAI's chat completions and responses, Anthropic's messages,
// streamed or not. What it is asked, and when it wrote each piece, it keeps. Times are milliseconds since 1970 with fractions, comparable between processes of one machine.
//
//   POST /scripts/<name>   a script             DELETE /scripts/<name>
//   POST /gates/<name>     opens a gate         DELETE /gates/<name> closes it      GET /gates: {name: {isOpen, waiting}}
//   GET /requests?script=<name>&since=<n>       DELETE /requests                    GET /counts: {script: {requests, open, by_turn, tokens}}
//   everything else        the models, at any path that ends in /chat/completions, /responses, /messages or /models
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import { Gates } from './gates.mjs';
import { fill, finishOf, pieces, quotes, Scripts, usageOf } from './script.mjs';
import * as chatCompletions from './wires/chat-completions.mjs';
import * as messages from './wires/messages.mjs';
import * as responses from './wires/responses.mjs';

const MOST_PIECES_KEPT = 100_000;
const wires = { chat_completions: chatCompletions, responses, messages };

const scripts = new Scripts();
const gates = new Gates();
let requests = [];
let asked = 0;
const counts = new Map();
/** How many requests of a script's turn have failed, were cut ... as told. */
const spent = new Map();

const now = () => performance.timeOrigin + performance.now();

const countOf = (script) => {
  if (!counts.has(script)) counts.set(script, { requests: 0, open: 0, by_turn: {}, tokens: 0 });
  return counts.get(script);
};

/** True for the first `times` requests that ask. */
const isDue = (what, times) => {
  const before = spent.get(what) ?? 0;
  if (before >= times) return false;
  spent.set(what, before + 1);
  return true;
};

const json = (response, status, body, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

const bodyOf = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

const write = async (response, text, signal) => {
  if (!response.write(text)) await once(response, 'drain', { signal });
};

const answer = async (request, response, wireName, url) => {
  const wire = wires[wireName];
  const text = await bodyOf(request);
  const at = now();
  const body = JSON.parse(text);
  const about = wire.read(body);
  const due = scripts.find(url.pathname, about);
  const n = ++asked;
  const record = {
    n,
    script: due?.name ?? null,
    turn: due?.nth ?? null,
    wire: wireName,
    model: about.model,
    is_stream: about.isStream,
    at,
    headers: request.headers,
    body,
    status: 0,
    outcome: 'open',
    pieces: [],
    ended_at: null,
  };
  if (due?.script.record !== 'counts') requests.push(record);
  const count = countOf(record.script ?? 'none');
  count.requests++;
  count.open++;
  count.by_turn[record.turn] = (count.by_turn[record.turn] ?? 0) + 1;

  const left = new AbortController();
  response.on('close', () => {
    count.open--;
    record.ended_at = now();
    if (record.outcome === 'open') record.outcome = 'left';
    left.abort(new Error('The client has left'));
  });
  const refuse = (status, message, { code, headers } = {}) => {
    Object.assign(record, { status, outcome: 'failed' });
    json(response, status, wire.failure(status, message, code), { 'x-request-id': `req_${n}`, ...headers });
  };
  if (!due) return refuse(404, `The model \`${about.model}\` does not exist or you do not have access to it.`, { code: 'model_not_found' });
  const { script, turn } = due;
  if (script.api_key !== undefined && wire.keyOf(request.headers) !== script.api_key) return refuse(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
  const failure = (turn.fails ?? []).find((one, i) => isDue(`${due.name}/${due.nth}/fail/${i}`, one.times ?? 1));
  if (failure) {
    const { status, retry_after, message } = failure;
    return refuse(status, message ?? `Told to fail with ${status}`, { headers: retry_after === undefined ? {} : { 'retry-after': String(retry_after) } });
  }
  await play({ wire, about, due, values: quotes(about.messages, due.nth, n), record, count, response, signal: left.signal, readChars: text.length });
};

const play = async ({ wire, about, due: { name, nth, turn }, values, record, count, response, signal, readChars }) => {
  const broken = ['cut', 'error'].find((how) => turn[how] && isDue(`${name}/${nth}/${how}`, turn[how].times ?? 1));
  const breaksAfter = broken ? turn[broken].after : Infinity;
  const held = (turn.gates ?? []).map((gate) => ({ ...gate, name: fill(gate.name, values) }));
  const pass = (at) => Promise.all(held.filter((gate) => gate.after === at).map((gate) => gates.pass(gate.name, signal)));
  await pass(-1);
  if (turn.head_ms) await after(turn.head_ms, undefined, { signal });

  const sums = { thinking: '', content: '', tools: [], images: [] };
  const length = { thinking: 0, content: 0 };
  const id = `${name.replace(/\W/g, '_').slice(0, 20)}_${record.n}`;
  const head = { id, model: about.model, wantsUsage: about.wantsUsage, usage: turn.usage === null ? null : { input: Math.ceil(readChars / 4), ...turn.usage } };
  const speaker = wire.stream(head);
  record.status = 200;
  if (about.isStream) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-request-id': `req_${record.n}` });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    await write(response, speaker.start(), signal);
  }
  await pass(0);
  if (turn.first_token_ms) await after(turn.first_token_ms, undefined, { signal });
  let k = 0;
  const isBroken = async () => {
    if (k < breaksAfter) return false;
    record.outcome = broken;
    if (broken === 'cut') response.destroy();
    else if (about.isStream) response.end(speaker.error('Told to break off'));
    else json(response, 500, wire.failure(500, 'Told to break off'));
    return true;
  };
  for (const piece of pieces(turn, values, () => `call_${randomUUID().slice(0, 12)}`)) {
    if (await isBroken()) return;
    if (k > 0 && turn.delay_ms) await after(turn.delay_ms, undefined, { signal });
    if (about.isStream) await write(response, speaker.piece(piece), signal);
    else collect(sums, piece);
    if (piece.kind in length) length[piece.kind] += piece.text.length;
    count.tokens++;
    if (record.pieces.length < MOST_PIECES_KEPT) record.pieces.push({ at: now(), kind: piece.kind, chars: piece.text?.length ?? 0 });
    if (++k % 1_000 === 0) await after(0, undefined, { signal });
    await pass(k);
  }
  if (await isBroken()) return;
  const usage = usageOf(turn, readChars, length);
  record.usage = usage;
  record.outcome = 'ended';
  if (about.isStream) response.end(speaker.end(usage, finishOf(turn)));
  else json(response, 200, wire.whole(head, sums, usage, finishOf(turn)), { 'x-request-id': `req_${record.n}` });
};

const collect = (sums, piece) => {
  if (piece.kind === 'tool') sums.tools.push({ id: piece.id, name: piece.name, arguments: '' });
  else if (piece.kind === 'arguments') sums.tools.at(-1).arguments += piece.text;
  else if (piece.kind === 'image') sums.images.push(piece);
  else sums[piece.kind] += piece.text;
};

const control = async (request, response, url) => {
  const [, what, encoded] = url.pathname.split('/');
  const name = encoded === undefined ? undefined : decodeURIComponent(encoded);
  const { method } = request;
  if (what === 'scripts' && name && method === 'POST') scripts.set(name, JSON.parse(await bodyOf(request)));
  else if (what === 'scripts' && name && method === 'DELETE') scripts.delete(name);
  else if (what === 'gates' && name && method === 'POST') gates.open(name);
  else if (what === 'gates' && name && method === 'DELETE') gates.close(name);
  else if (what === 'gates' && method === 'GET') return json(response, 200, gates.shown);
  else if (what === 'counts' && method === 'GET') return json(response, 200, Object.fromEntries(counts));
  else if (what === 'requests' && method === 'DELETE') {
    requests = [];
    counts.clear();
    spent.clear();
  } else if (what === 'requests' && method === 'GET') {
    const [script, since] = [url.searchParams.get('script'), Number(url.searchParams.get('since') ?? 0)];
    return json(
      response,
      200,
      requests.filter((one) => one.n > since && (script === null || one.script === script)),
    );
  } else return json(response, 404, { error: { message: `Expected a path of this server, but got '${method} ${url.pathname}'`, type: 'invalid_request_error' } });
  json(response, 200, { ok: true });
};

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://model');
  const wireName = Object.keys(wires).find((name) => request.method === 'POST' && url.pathname.endsWith(wires[name].path));
  const isList = request.method === 'GET' && url.pathname.endsWith('/models');
  if (isList) return json(response, 200, { object: 'list', data: scripts.names.map((id) => ({ id, object: 'model', created: 1_750_000_000, owned_by: 'runlog' })) });
  (wireName ? answer(request, response, wireName, url) : control(request, response, url)).catch((error) => {
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else json(response, 400, { type: 'error', error: { message: String(error?.message ?? error), type: 'invalid_request_error' } });
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.SCRIPTED_MODEL_PORT ?? 0), '127.0.0.1', () => {
  const { port } = server.address();
  if (process.send) process.send(port);
  else console.log(`http://127.0.0.1:${port}`);
});
process.on('disconnect', () => process.exit());
