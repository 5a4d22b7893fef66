import { ArtifactMissing, type ArtifactStore } from '@runlog/artifacts';
import type { DecodedEvent } from '@runlog/event-log';
import { type BodyReference, referencesIn } from '@runlog/execution';
import type { Drift } from './drift.js';

/** Checks that every body an event refers to is in the store and is what it is said to be; each once. */
export class StoredBodies {
  /** By digest what is wrong with it, if anything. */
  readonly #seen = new Map<string, string | undefined>();

  constructor(private readonly artifacts: ArtifactStore) {}

  async check(event: DecodedEvent): Promise<Drift[]> {
    const found: Drift[] = [];
    for (const reference of referencesIn(event)) {
      const because = await this.#problemOf(event.workspaceId, reference);
      if (because !== undefined) found.push({ executionId: event.executionId, because: `version ${event.version} refers to a body that can't be read: ${because}` });
    }
    return found;
  }

  async #problemOf(workspaceId: string, reference: BodyReference): Promise<string | undefined> {
    const key = `${workspaceId}/${reference.digest}`;
    if (!this.#seen.has(key)) this.#seen.set(key, await this.#look(workspaceId, reference));
    return this.#seen.get(key);
  }

  async #look(workspaceId: string, reference: BodyReference): Promise<string | undefined> {
    try {
      const { length } = await this.artifacts.read(workspaceId, reference);
      return length === reference.bytes ? undefined : `it has ${length} bytes and not ${reference.bytes}`;
    } catch (error) {
      if (error instanceof ArtifactMissing) return error.message;
      throw error;
    }
  }
}
