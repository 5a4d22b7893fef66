import type { EventView, ProofResource } from '@runlog/contract';
import { chainId } from '@runlog/event-log';

/** Recomputes the hash chain of a history, event by event, from the bytes as stored. */
export class Proving {
  readonly #events: { version: number; id: string; previous: string; type: string }[] = [];
  #valid = true;

  constructor(private readonly executionId: string) {}

  /** The version of the last event so far. */
  get length(): number {
    return this.#events.length;
  }

  add(event: EventView): void {
    const { version, id, previous, type } = event;
    const isNext = version === this.length + 1 && previous === (this.#events.at(-1)?.id ?? '') && event.execution_id === this.executionId;
    if (!isNext || idOf(event) !== id) this.#valid = false;
    this.#events.push({ version, id, previous, type });
  }

  /** `version` and `tip` of the execution as its row has them: a history that stops short of them, or goes on, proves nothing. */
  proof({ version, tip }: { readonly version: number; readonly tip: string }): ProofResource {
    const last = this.#events.at(-1)?.id ?? '';
    return { execution_id: this.executionId, valid: this.#valid && this.length === version && last === tip, length: this.length, tip: last, events: this.#events };
  }
}

const idOf = (event: EventView): string =>
  chainId({
    previous: event.previous,
    executionId: event.execution_id,
    version: event.version,
    type: event.type,
    schemaVersion: event.schema_version,
    commandId: event.command_id,
    commandOffset: event.command_offset,
    workspaceId: event.workspace_id,
    at: event.at,
    value: event.value,
  });
