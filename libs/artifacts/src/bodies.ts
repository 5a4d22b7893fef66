import type { BodyReference, Json, WorkspaceId } from '@runlog/execution';
import type { ArtifactStore } from './port.js';

/** Text of the JSON that is kept parsed, for whoever reads the same body again soon. */
const KEPT_BYTES = 24 * 1024 * 1024;

/** Stored bodies as JSON values, the ones read last at hand. Nobody may change a value. */
export class Bodies {
  readonly #kept = new Map<string, { readonly value: Promise<Json>; readonly bytes: number }>();
  #bytes = 0;

  constructor(readonly store: ArtifactStore) {}

  /** @throws ArtifactMissing */
  json(workspaceId: WorkspaceId, reference: BodyReference): Promise<Json> {
    const key = `${workspaceId}/${reference.digest}`;
    const known = this.#kept.get(key);
    if (known) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known.value;
    }
    const value = this.store.read(workspaceId, reference).then((bytes) => JSON.parse(bytes.toString('utf8')) as Json);
    value.catch(() => this.#drop(key));
    this.#kept.set(key, { value, bytes: reference.bytes });
    this.#bytes += reference.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES || oldest === key) break;
      this.#drop(oldest);
    }
    return value;
  }

  #drop(key: string): void {
    const dropped = this.#kept.get(key);
    if (dropped && this.#kept.delete(key)) this.#bytes -= dropped.bytes;
  }
}
