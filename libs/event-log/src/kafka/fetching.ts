import { pause } from '../pause.js';
import type { Lane } from './lane.js';
import { Poll } from './poll.js';
import type { Wire } from './wire.js';

/** Everything that one process reads live: per broker one connection and one fetch session carry all partitions that are read there. */
export class Fetching {
  private readonly polls = new Map<number, Poll[]>();

  constructor(readonly wire: Wire) {}

  /** From now on the lane is fed, wherever its partition's leader is, until it is closed. */
  async place(lane: Lane): Promise<void> {
    const { wire } = this;
    for (let pauseMs = lane.failures > 0 ? Math.min(10 * 2 ** lane.failures, 1_000) : 0; !lane.isClosed && !wire.closed.aborted; pauseMs = Math.min(pauseMs * 2 + 20, 1_000)) {
      try {
        if (pauseMs > 0) await pause(pauseMs, lane.signal);
        const nodeId = await wire.leader(lane.topic, lane.partition);
        if (!lane.isClosed) this.pollFor(nodeId, lane).add(lane);
        return;
      } catch (error) {
        wire.forget();
        wire.report(`read ${lane.slot}`, error);
      }
    }
  }

  /** A session holds a partition once, so a second reader of it has another one. */
  private pollFor(nodeId: number, { slot }: Lane): Poll {
    let polls = this.polls.get(nodeId);
    if (!polls) this.polls.set(nodeId, (polls = []));
    const found = polls.find((poll) => !poll.has(slot));
    if (found) return found;
    const poll = new Poll(this.wire, nodeId, {
      failed: (lane) => void this.place(lane),
      over: () => void polls.splice(polls.indexOf(poll), 1),
    });
    polls.push(poll);
    return poll;
  }
}
