import { ArtifactMissing, type Bodies } from '@runlog/artifacts';
import { pause } from '@runlog/event-log';
import type { BodyReference, ExpressionScope, Json, WorkspaceId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Scope } from '@runlog/workflow';
import { pauseBefore, retrying } from './retrying.js';

/** So often a missing body is looked for: a shared folder shows what others wrote a little later. */
const looksAtMost = 5;

/** The error that a node ends in whose reading does not work out. */
export interface Unreadable {
  readonly error: { readonly code: 'artifact_missing' | 'input_too_large'; readonly message: string };
}

/** Bodies outside of events, as one owner of a partition stores and reads them. A store that does not work is waited for, as any infrastructure is. */
export class StoredBodies {
  constructor(
    private readonly bodies: Bodies,
    private readonly signal: AbortSignal,
    private readonly logger: Logger,
  ) {}

  get limitBytes(): number {
    return this.bodies.store.limitBytes;
  }

  put(workspaceId: WorkspaceId, text: string): Promise<BodyReference> {
    return retrying(() => this.bodies.store.put(workspaceId, text), 'storing a body', this.signal, this.logger);
  }

  /** Makes sure of a body that an event is about to refer to, and that nobody collects it before that event is known. False: it is gone. */
  async renew(workspaceId: WorkspaceId, reference: BodyReference): Promise<boolean> {
    for (let looks = 1; ; looks++) {
      if (await retrying(() => this.bodies.store.renew(workspaceId, reference), 'looking for a body', this.signal, this.logger)) return true;
      if (looks === looksAtMost) return false;
      await pause(pauseBefore(looks), this.signal);
    }
  }

  /** The value of a body; null: it is gone. */
  async json(workspaceId: WorkspaceId, reference: BodyReference): Promise<{ readonly value: Json } | null> {
    let looks = 0;
    const look = async (): Promise<{ readonly value: Json } | null> => {
      try {
        return { value: await this.bodies.json(workspaceId, reference) };
      } catch (error) {
        if (error instanceof ArtifactMissing && ++looks >= looksAtMost) return null;
        throw error;
      }
    };
    return retrying(look, 'reading a body', this.signal, this.logger);
  }

  /** The scope with all of its members in place. */
  async whole(workspaceId: WorkspaceId, { bodies, ...scope }: ExpressionScope): Promise<Scope | Unreadable> {
    if (!bodies) return scope;
    const references = [...(bodies.input ? [bodies.input] : []), ...Object.values(bodies.nodes)];
    const bytes = references.reduce((sum, reference) => sum + reference.bytes, 0);
    if (bytes > this.limitBytes)
      return { error: { code: 'input_too_large', message: `Expected to read at most ${this.limitBytes} bytes of stored bodies, but they have ${bytes}` } };
    let { input } = scope;
    const nodes: { [node: string]: Json } = { ...scope.nodes };
    for (const [id, reference] of [...(bodies.input ? [[null, bodies.input] as const] : []), ...Object.entries(bodies.nodes)]) {
      const found = await this.json(workspaceId, reference);
      if (!found) return { error: { code: 'artifact_missing', message: `Expected body '${reference.digest}' in the artifact store, but it is not there` } };
      if (id === null) input = found.value;
      else nodes[id] = found.value;
    }
    return { ...scope, input, nodes, bytes };
  }
}
