import { setTimeout as pause } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** What a listener needs of a gateway. */
interface Door {
  readonly url: string;
  readonly key: string;
}

/** Follows the frames of one execution to its end, over as many connections as it takes: each to the next gateway, after the last frame that it has. */
export class Listener {
  readonly messages: EventSourceMessage[] = [];
  connections = 0;
  /** Statuses of answers that were no stream. */
  readonly refusals: number[] = [];

  constructor(
    private readonly doors: readonly Door[],
    private readonly id: string,
    /** Cuts its connection itself after so many frames; asked anew for each. */
    private readonly patience: (connection: number) => number = () => Number.POSITIVE_INFINITY,
  ) {}

  get content(): string {
    return this.said('content');
  }

  said(event: 'content' | 'thinking'): string {
    return this.messages.flatMap((message) => (message.event === event ? [JSON.parse(message.data).content as string] : [])).join('');
  }

  get tools(): readonly string[] {
    return this.messages.flatMap(({ event, data }) => (event === 'tool_start' || event === 'tool_end' ? [`${event} ${JSON.parse(data).id}`] : []));
  }

  /** The last frame, once it is there. */
  get end(): EventSourceMessage | undefined {
    return this.messages.find(({ event }) => event === 'done' || event === 'error');
  }

  /** The offsets of its frames. */
  get places(): readonly number[] {
    return this.messages.flatMap(({ id }) => (id === undefined ? [] : [Number(id.split('.')[1])]));
  }

  /** Resolves with the listener once it has heard the end; gives up when `signal` aborts. */
  async listen(signal: AbortSignal): Promise<this> {
    while (!this.end && !signal.aborted) {
      const door = this.doors[this.connections % this.doors.length] as Door;
      await this.connect(door, this.patience(this.connections++), signal).catch(() => pause(50));
    }
    return this;
  }

  private async connect({ url, key }: Door, patience: number, signal: AbortSignal): Promise<void> {
    const cut = new AbortController();
    const last = this.messages.findLast(({ id }) => id !== undefined)?.id;
    let heard = 0;
    const parser = createParser({
      onEvent: (message) => {
        // What comes after a cut was never there.
        if (heard++ < patience) this.messages.push(message);
        else cut.abort();
      },
    });
    try {
      const response = await fetch(`${url}/api/v1/executions/${this.id}/stream`, {
        headers: { authorization: `Bearer ${key}`, ...(last === undefined ? {} : { 'last-event-id': last }) },
        signal: AbortSignal.any([cut.signal, signal]),
      });
      if (response.status !== 200) {
        this.refusals.push(response.status);
        throw new Error(`Expected a stream, but got ${response.status}`);
      }
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    } finally {
      cut.abort();
    }
  }
}
