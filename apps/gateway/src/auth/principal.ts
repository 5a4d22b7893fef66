import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ApiRequest } from '../http/request.js';

/** What a key may do, each containing the one before it. */
export const roles = ['viewer', 'editor', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What a key may do beside its role: `run` creates, cancels, retries and replays; `approve` answers gates as an editor may. */
export const finerPermissions = ['run', 'approve'] as const;
export type FinerPermission = (typeof finerPermissions)[number];

/** Who asks, as its key says. */
export interface Principal {
  readonly keyId: string;
  readonly prefix: string;
  readonly workspaceId: string;
  /** null: a key of the whole workspace. */
  readonly podId: string | null;
  /** Where creates go. */
  readonly createPodId: string;
  readonly role: Role;
  readonly permissions: readonly FinerPermission[];
  readonly userId: string | null;
  readonly dialect: string | null;
  /** The workspace's time zone. */
  readonly timeZone: string;
  /** SHA-256 of the key, hex: open streams look up again whether it is still valid. */
  readonly keyHash: string;
}

/** `user:<id>`, for a key without a user `user:key_<prefix>`. */
export const actorOf = ({ userId, prefix }: Principal): string => `user:${userId ?? `key_${prefix}`}`;

/** The key's role and every one that it contains: a gate that asks for editors takes an admin, and a key that may approve. */
export const rolesOf = ({ role, permissions }: Pick<Principal, 'role' | 'permissions'>): readonly Role[] =>
  roles.slice(0, Math.max(roles.indexOf(role), permissions.includes('approve') ? roles.indexOf('editor') : 0) + 1);

/** The principal of the request. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<ApiRequest>().principal);
