import type { BodyReference, Json } from '@runlog/execution';
import { type Catalog, digestOf, type IdempotencyRecord, type SealedSecret, type SecretBox } from '@runlog/read-model';
import { uuidv7 } from 'uuidv7';
import type { Principal } from './auth/principal.js';
import type { StoredBodies } from './executions/stored-bodies.js';
import { Answer } from './http/answer.js';
import { malformed, Problem } from './http/problem.js';
import type { ApiRequest } from './http/request.js';

/**
 * Without an answer for so long, its gateway may be gone: a repeat sends the same command again and waits for its outcome. Harmless if the
 * first one still waits, because a command is carried out once.
 */
const IN_FLIGHT_MS = 30_000;

/** What an act is made under: the same ids whenever the same key is used again. `again`: a first try may have been recorded. */
export interface ActIds {
  readonly executionId: string;
  readonly commandId: string;
  readonly again: boolean;
}

interface How {
  /** The execution that the act is upon; a create gets a new one. */
  readonly executionId?: string;
  /** The answer holds a secret: it is kept sealed. */
  readonly sealed?: boolean;
}

/** An answer as it is kept: as it is, sealed, or stored elsewhere. */
interface Stored {
  readonly headers: Record<string, string>;
  readonly body?: Json;
  readonly sealed?: { [member: string]: Json };
  readonly body_ref?: BodyReference;
}

/** Bodies are the same when their canonical JSON is. */
export const fingerprintOf = (method: string, path: string, body: Json): string => digestOf({ method, path, body });

/**
 * Idempotency-Key: one act per workspace, route and key for 24 hours. The record is there before the act begins; the answer is stored
 * after it. An act that failed before anything was recorded gives the key back; one whose outcome is unknown keeps it.
 */
export class Idempotency {
  constructor(
    private readonly catalog: Catalog,
    private readonly secrets: Pick<SecretBox, 'seal' | 'open'>,
    private readonly bodies: Pick<StoredBodies, 'keepAnswer' | 'json'>,
  ) {}

  /** Runs `act` once per key; without the header, simply runs it. */
  async once(request: ApiRequest, who: Principal, body: object, act: (ids: ActIds) => Promise<Answer>, how: How = {}): Promise<Answer> {
    const ids: ActIds = { executionId: how.executionId ?? uuidv7(), commandId: uuidv7(), again: false };
    const key = idempotencyKeyOf(request);
    if (key === undefined) return act(ids);
    const slot = { workspaceId: who.workspaceId, route: `${request.method} ${request.path}`, key };
    const opening = { ...slot, fingerprint: fingerprintOf(request.method, request.path, body as Json), executionId: ids.executionId, commandId: ids.commandId, at: Date.now() };
    const begun = await this.catalog.beginIdempotent(opening);
    if (begun.fresh) return this.carryOut(slot, act, ids, how);
    const { record } = begun;
    if (record.fingerprint !== opening.fingerprint)
      throw new Problem('invalid', 'idempotency_key_reused', `Expected the same body as when Idempotency-Key '${key}' was first used, but it differs`, {
        errors: [{ pointer: '', detail: 'Expected the body of the first request with this key' }],
      });
    if (record.status !== null) return this.replayed(record);
    if (!(await this.takeOver(record)))
      throw new Problem('conflict', 'idempotency_in_flight', `Expected the first request with Idempotency-Key '${key}' to be answered, but it still is in flight`, {
        headers: { 'Retry-After': '1' },
      });
    return this.carryOut(slot, act, { executionId: record.executionId ?? ids.executionId, commandId: record.commandId ?? ids.commandId, again: true }, how);
  }

  private async carryOut(slot: { workspaceId: string; route: string; key: string }, act: (ids: ActIds) => Promise<Answer>, ids: ActIds, { sealed = false }: How): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await act(ids);
    } catch (error) {
      if (!ids.again && changedNothing(error)) await this.catalog.abandonIdempotent(slot.workspaceId, slot.route, slot.key);
      throw error;
    }
    if (answer.isProvisional) return answer;
    const stored = await this.stored(slot, (answer.body ?? null) as Json, sealed);
    await this.catalog.finishIdempotent(slot.workspaceId, slot.route, slot.key, answer.status, { headers: { ...answer.headers }, ...stored });
    return answer;
  }

  private async stored({ workspaceId, key }: { workspaceId: string; key: string }, body: Json, sealed: boolean): Promise<{ [member: string]: Json }> {
    if (sealed) return { sealed: { ...this.secrets.seal(workspaceId, sealName(key), JSON.stringify(body)) } };
    const reference = await this.bodies.keepAnswer(workspaceId, JSON.stringify(body));
    return reference ? { body_ref: { ...reference } } : { body };
  }

  private async replayed({ workspaceId, key, status, response }: IdempotencyRecord): Promise<Answer> {
    const { headers, sealed, body_ref, ...kept } = response as unknown as Stored;
    const body = body_ref ? await this.bodies.json(workspaceId, body_ref) : kept.body;
    const opened = sealed ? (JSON.parse(this.secrets.open(workspaceId, sealName(key), sealed as unknown as SealedSecret)) as Json) : body;
    return new Answer(status as number, opened, { ...headers, 'Idempotency-Replayed': 'true' });
  }

  /** Only one of several repeats goes on; it has another thirty seconds. */
  private async takeOver({ workspaceId, route, key, createdAt }: IdempotencyRecord): Promise<boolean> {
    const now = Date.now();
    if (now - createdAt < IN_FLIGHT_MS) return false;
    const taken = await this.catalog.database.query(
      'update idempotency_keys set created_at = $5 where workspace_id = $1 and route = $2 and key = $3 and created_at = $4 and status is null returning 1',
      [workspaceId, route, key, createdAt, now],
    );
    return taken.length > 0;
  }
}

/** The request's Idempotency-Key, if it has one. Throws a 400 problem for one that can't be. */
export const idempotencyKeyOf = (request: Pick<ApiRequest, 'get'>): string | undefined => {
  const key = request.get('idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw malformed('invalid_header', 'Idempotency-Key', 'Expected an Idempotency-Key of 1 to 255 printable ASCII characters');
  return key;
};

const sealName = (key: string): string => `idempotency-key ${key}`;

/** Refusals are answers: nothing was recorded, and the same request may be sent again after a change. Everything else is an unknown outcome. */
const changedNothing = (error: unknown): boolean => error instanceof Problem && error.kind !== 'unavailable' && error.kind !== 'failed';
