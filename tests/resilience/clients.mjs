// The outside world of a storm: creators, approvers and watchers that speak only the public API, and a ledger of what they were promised.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';

/** Append-only, fsynced before a line counts. */
export class Ledger {
  constructor(path) {
    this.path = path;
    this.file = openSync(path, 'a');
  }
  write(line) {
    writeSync(this.file, `${JSON.stringify(line)}\n`);
    fsyncSync(this.file);
  }
  read() {
    return readFileSync(this.path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
  close() {
    closeSync(this.file);
  }
}

/** Calls the API on whichever gateway answers, again and again while the fault lasts; every POST carries an Idempotency-Key. */
export class Api {
  constructor(gateways, key, deadline) {
    Object.assign(this, { gateways, key, deadline, next: 0 });
  }

  async call(method, path, body, idempotencyKey) {
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      const url = this.gateways[this.next++ % this.gateways.length];
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          signal: AbortSignal.timeout(15_000),
          headers: {
            authorization: `Bearer ${this.key}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}),
          },
          body: body === undefined ? undefined : JSON.stringify(body),
        });
        const text = await response.text();
        const inFlight = response.status === 409 && idempotencyKey && /in.?flight|in progress/i.test(text);
        if (response.status < 500 && response.status !== 429 && !inFlight) return { status: response.status, body: text ? JSON.parse(text) : null };
        if (Date.now() > this.deadline) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
      } catch (error) {
        if (Date.now() > this.deadline) throw new Error(`${method} ${path} got no answer before the deadline`, { cause: error });
      }
      await sleep(wait);
    }
  }

  /** How far one gateway says that the read models are behind the log; infinite while it does not answer. */
  async lagMs() {
    const url = this.gateways[this.next++ % this.gateways.length];
    const asked = fetch(`${url}/api/v1/executions?limit=1&fields=id`, { headers: { authorization: `Bearer ${this.key}` }, signal: AbortSignal.timeout(5_000) });
    const lag = await asked.then(
      (response) => (response.ok ? response.headers.get('runlog-lag-ms') : null),
      () => null,
    );
    return lag === null ? Number.POSITIVE_INFINITY : Number(lag);
  }

  /** Follows one execution's events to the end, over any number of broken connections; resolves with the ids it was told. */
  async follow(id) {
    const told = [];
    let lastId;
    let done = false;
    while (!done) {
      if (Date.now() > this.deadline) throw new Error(`The stream of ${id} did not end before the deadline; it told ${told.length} events`);
      const url = this.gateways[this.next++ % this.gateways.length];
      try {
        const response = await fetch(`${url}/api/v1/executions/${id}/events`, {
          headers: { authorization: `Bearer ${this.key}`, accept: 'text/event-stream', ...(lastId ? { 'last-event-id': lastId } : {}) },
        });
        if (response.status === 204) return told;
        if (response.status !== 200) throw new Error(`status ${response.status}`);
        const parser = createParser({
          onEvent: (event) => {
            if (event.event === 'done') done = true;
            else if (event.id) {
              lastId = event.id;
              told.push(JSON.parse(event.data).id);
            }
          },
        });
        const decoder = new TextDecoder();
        for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }));
      } catch {
        await sleep(200);
      }
    }
    return told;
  }
}
