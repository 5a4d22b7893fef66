import type { ExecutionView } from '@runlog/contract';
import type { Catalog, Queue } from '@runlog/read-model';

/** How it stands with the slot that an execution waits for. */
export interface SlotSeen {
  readonly queue: Queue;
  /** Who holds the slots: those of its key where these are all held, else those of the queue. */
  readonly heldBy: readonly string[];
  /** Its key's slots are all held, whatever the queue has. */
  readonly isKeyFull: boolean;
  /** When it fails if it is not admitted. */
  readonly until: number | null;
}

const MOST_NAMED = 20;

/** Whether an execution waits for a slot of its queue. */
const waitsForSlot = ({ queue_name, status, status_reason }: ExecutionView): boolean =>
  queue_name !== null && (status === 'queued' || (status === 'suspended' && status_reason === 'slot'));

/** null: it waits for none, or its queue is not known yet. */
export const slotSeen = async (catalog: Catalog, view: ExecutionView, podId: string | null): Promise<SlotSeen | null> => {
  const { queue_name: name, workspace_id: workspaceId, concurrency_key: key } = view;
  if (name === null || !waitsForSlot(view)) return null;
  const queue = await catalog.queue(workspaceId, name);
  if (!queue) return null;
  const ask = { workspaceId, name, podId: null, limit: queue.keySlots };
  const ofKey = key === null ? [] : await catalog.queueHolders({ ...ask, key });
  const isKeyFull = key !== null && ofKey.length >= queue.keySlots;
  const shown = await catalog.queueHolders({ ...ask, ...(isKeyFull && key !== null ? { key } : {}), podId, limit: MOST_NAMED });
  return { queue, heldBy: shown.map(({ executionId }) => executionId), isKeyFull, until: await catalog.waitsUntil(view.id) };
};
