import { type Catalog, hashApiKey } from '@runlog/read-model';
import type { Principal } from './principal.js';

const FRESH_MS = 2500;
const UNKNOWN_FRESH_MS = 1000;
const KEPT = 10_000;

/** Who a key belongs to, looked up by hash and remembered for at most 2.5 seconds: a revoked key stops working within five, on open streams too. */
export class KeyRing {
  private readonly known = new Map<string, { principal: Promise<Principal | null>; until: number }>();
  private pinned: { hash: string; principal: Principal } | undefined;

  constructor(private readonly catalog: Catalog) {}

  /** This key is valid for as long as the process runs, whatever the catalog says. */
  pin(key: string, principal: Omit<Principal, 'keyHash'>): void {
    const hash = hashApiKey(key);
    this.pinned = { hash, principal: { ...principal, keyHash: hash } };
  }

  principalOf(key: string): Promise<Principal | null> {
    return this.byHash(hashApiKey(key));
  }

  /** null: unknown or revoked. */
  byHash(hash: string): Promise<Principal | null> {
    if (this.pinned?.hash === hash) return Promise.resolve(this.pinned.principal);
    const cached = this.known.get(hash);
    if (cached && cached.until > Date.now()) return cached.principal;
    const entry = { principal: this.lookUp(hash), until: Date.now() + FRESH_MS };
    this.known.delete(hash);
    this.known.set(hash, entry);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value as string);
    entry.principal.then(
      (found) => {
        if (!found) entry.until = Date.now() + UNKNOWN_FRESH_MS;
      },
      () => this.known.delete(hash),
    );
    return entry.principal;
  }

  /** After a key was revoked here: no need to wait. */
  forget(): void {
    this.known.clear();
  }

  private async lookUp(hash: string): Promise<Principal | null> {
    const found = await this.catalog.apiKeyByHash(hash);
    if (!found) return null;
    const { key, workspace, pod } = found;
    return {
      keyId: key.id,
      prefix: key.prefix,
      workspaceId: workspace.id,
      podId: key.podId,
      createPodId: pod.id,
      role: key.role,
      permissions: key.permissions,
      userId: key.userId,
      dialect: key.dialect,
      timeZone: workspace.timezone,
      keyHash: hash,
    };
  }
}
