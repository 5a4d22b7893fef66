// What a scripted model says: which script a request means, which turn of it is due, and the turn in pieces.
//
// A script: { turns: [turn, ...], api_key?, count?: 'conversation' | 'since_user', record?: 'all' | 'counts' }. The last turn is repeated for ever.
// A turn, every member optional:
//   thinking, content   text or the pieces themselves; {{user}}, {{result}}, {{turn}}, {{request}} are put in
//   chunks, repeat      in how many pieces a text goes out (3), and how often all of them
//   tools               [{ name, arguments: object, or text as it is, pieces?: 2, id? }, ...], in parallel
//   images              [{ media_type, data }]
//   usage               { input, cache_read, cache_write, output, reasoning } in disjoint tokens; null: the model says nothing; absent: by length
//   finish              'stop', 'length', 'content_filter' or 'tool_calls'
//   head_ms, first_token_ms, delay_ms   waits: before the answer's head, the first piece, each further piece
//   gates               [{ name, after }]: hangs until the gate is opened; after -1: before the head, 0: before the first piece, k: after k pieces
//   fails               [{ status, times, retry_after?, message? }]: what its first requests get instead
//   cut, error          { after, times?: 1 }: the first `times` requests end after so many pieces, by a broken connection or an error in the stream

const MARK = /<script>([\s\S]*?)<\/script>/;

/** Talks back: the script of the model name `scripted`. */
const echo = { turns: [{ content: 'You said: {{user}}' }] };

export class Scripts {
  #byName = new Map([['scripted', echo]]);

  set(name, script) {
    this.#byName.set(name, { turns: [], ...script });
  }

  delete(name) {
    this.#byName.delete(name);
  }

  get names() {
    return [...this.#byName.keys()];
  }

  /** By the path (`/s/<name>/v1/...`), by `<script>name or JSON</script>` in a user's message, or by the model's name (`<name>` or `scripted/<name>`). */
  find(path, { model, messages }) {
    const inPath = /^\/s\/([^/]+)\//.exec(path)?.[1];
    if (inPath) return this.#named(decodeURIComponent(inPath), messages, 0);
    const at = messages.findLastIndex(({ role, text }) => role === 'user' && MARK.test(text));
    if (at < 0) return this.#named(model.replace(/^scripted\//, ''), messages, 0);
    const marked = MARK.exec(messages[at].text)[1].trim();
    if (!marked.startsWith('{')) return this.#named(marked, messages, at);
    return due({ turns: [], ...JSON.parse(marked) }, `inline:${marked.slice(0, 60)}`, messages, at);
  }

  #named(name, messages, from) {
    const script = this.#byName.get(name);
    return script && due(script, name, messages, from);
  }
}

/** Turns are counted by what the conversation holds, so a repeated request gets the same turn. */
const due = (script, name, messages, from) => {
  const start = script.count === 'since_user' ? messages.findLastIndex(({ role }) => role === 'user') : from;
  const nth = messages.slice(Math.max(start, 0)).filter(({ role }) => role === 'assistant').length;
  return { script, name, nth, turn: script.turns[Math.min(nth, script.turns.length - 1)] ?? {} };
};

/** Texts that a turn may quote. */
export const quotes = (messages, nth, request) => {
  const last = (role) => messages.findLast((message) => message.role === role)?.text ?? '';
  return { user: last('user').replace(MARK, '').trim(), result: last('tool'), turn: String(nth), request: String(request) };
};

export const fill = (text, values) => text.replace(/\{\{(user|result|turn|request)\}\}/g, (_all, name) => values[name]);

const split = (text, count) => {
  const pieces = [];
  for (let at = 0, left = Math.max(1, count); at < text.length; left--) {
    let end = at + Math.max(1, Math.ceil((text.length - at) / Math.max(1, left)));
    if (/[\ud800-\udbff]/.test(text[end - 1] ?? '')) end++;
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
};

const piecesOf = (given, count, values) => (Array.isArray(given) ? given.map((text) => fill(text, values)) : split(fill(given ?? '', values), count));

/** A turn's pieces, made as they are asked for: {kind: 'thinking' | 'content', text}, {kind: 'tool', index, id, name}, {kind: 'arguments', index, text}, {kind: 'image', ...}. */
export function* pieces(turn, values, newId) {
  for (const text of piecesOf(turn.thinking, turn.chunks ?? 3, values)) yield { kind: 'thinking', text };
  const content = piecesOf(turn.content, turn.chunks ?? 3, values);
  for (let n = 0; n < (turn.repeat ?? 1); n++) for (const text of content) yield { kind: 'content', text };
  for (const image of turn.images ?? []) yield { kind: 'image', ...image };
  for (const [index, tool] of (turn.tools ?? []).entries()) {
    yield { kind: 'tool', index, id: tool.id === undefined ? newId() : fill(tool.id, values), name: tool.name };
    const text = typeof tool.arguments === 'string' ? tool.arguments : JSON.stringify(tool.arguments ?? {});
    for (const part of split(typeof tool.arguments === 'string' ? fill(text, values) : fillJson(text, values), tool.pieces ?? 2)) yield { kind: 'arguments', index, text: part };
  }
}

const fillJson = (text, values) => fill(text, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value).slice(1, -1)])));

/** In disjoint tokens; without a word of the script, four characters are one. */
export const usageOf = (turn, readChars, { thinking, content }) => {
  if (turn.usage === null) return null;
  const guess = { input: Math.ceil(readChars / 4), cache_read: 0, cache_write: 0, output: Math.ceil(content / 4), reasoning: Math.ceil(thinking / 4) };
  return turn.usage ? { input: 0, cache_read: 0, cache_write: 0, output: 0, reasoning: 0, ...turn.usage } : guess;
};

export const finishOf = (turn) => turn.finish ?? (turn.tools?.length ? 'tool_calls' : 'stop');
