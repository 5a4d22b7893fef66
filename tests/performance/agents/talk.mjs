// What the benchmarks of agents share: a client of agents and their streams, and how figures are rounded.

/** Milliseconds since 1970 with fractions, comparable between processes of one machine. */
export const now = () => performance.timeOrigin + performance.now();

export const at = (share, values) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;
export const rounded = (value, digits = 1) => Math.round(value * 10 ** digits) / 10 ** digits;
export const spread = (values) => ({ p50: rounded(at(0.5, values)), p95: rounded(at(0.95, values)), most: rounded(Math.max(...values)) });

/** Does `work` for each item, so many at a time. */
export const inTurns = async (items, many, work) => {
  const left = [...items.entries()];
  const results = [];
  const one = async () => {
    for (let next = left.shift(); next; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: many }, one));
  return results;
};

/** A client of one gateway: `{ publish, begin, get, listen }`. */
export const talker = (url, key) => {
  const headers = { authorization: `Bearer ${key}` };
  const ask = async (method, path, body) => {
    const response = await fetch(url + path, { method, headers: { ...headers, ...(body && { 'content-type': 'application/json' }) }, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return JSON.parse(text);
  };
  return {
    get: (path) => ask('GET', path),
    /** An agent that says what the scripted model's script of that name says. */
    publish: (model, name, more = {}) =>
      ask('POST', '/api/v1/agents', {
        key: name,
        name,
        model: { provider: 'openai_compatible', name: 'scripted', base_url: model.baseUrl(name) },
        prompt_template: 'Go on.',
        ...more,
      }),
    begin: async (name) => (await ask('POST', `/api/v1/agents/${name}/execute`, { input: {}, async_mode: true })).id,
    /** Reads the stream of an execution; `heard(chunk, at)` with each piece of the answer. Resolves at its end. `opened` resolves once it has begun. */
    listen: (id, heard = () => {}) => {
      const opening = fetch(`${url}/api/v1/executions/${id}/stream`, { headers });
      const reading = opening.then(async (response) => {
        if (response.status !== 200) throw new Error(`Expected a stream, but got ${response.status}`);
        for await (const chunk of response.body) heard(Buffer.from(chunk), now());
      });
      return { opened: opening, ended: reading };
    },
  };
};
