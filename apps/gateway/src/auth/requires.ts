import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension, ApiSecurity } from '@nestjs/swagger';
import type { FinerPermission, Principal, Role } from './principal.js';

const PERMISSION = 'runlog:permission';

/** Every permission and the least role that has it. */
const leastRole = {
  'executions:read': 'viewer',
  'executions:create': 'editor',
  'executions:cancel': 'editor',
  'executions:retry': 'editor',
  'executions:replay': 'editor',
  'executions:respond': 'viewer',
  'workflows:read': 'viewer',
  'workflows:write': 'editor',
  'agents:read': 'viewer',
  'agents:write': 'editor',
  'workspaces:read': 'viewer',
  'workspaces:write': 'admin',
  'users:read': 'viewer',
  'users:write': 'admin',
  'audit:read': 'admin',
  'usage:read': 'viewer',
  'queues:read': 'viewer',
  'queues:write': 'editor',
  'secrets:read': 'viewer',
  'secrets:write': 'admin',
  'api-keys:read': 'admin',
  'api-keys:write': 'admin',
} as const satisfies Record<string, Role>;

export type Permission = keyof typeof leastRole;

/** The route needs a key with this permission. */
export const Requires = (permission: Permission) =>
  applyDecorators(
    SetMetadata(PERMISSION, permission),
    ApiSecurity('bearer', [permission]),
    ApiSecurity('apiKey', [permission]),
    ApiExtension('x-permission', permission),
    ApiExtension('x-least-role', leastRole[permission]),
  );

/** The route is open to everybody. */
export const Public = () => SetMetadata(PERMISSION, 'public');

/** What a route declared, or undefined. */
export const permissionOf = (handler: object): Permission | 'public' | undefined => Reflect.getMetadata(PERMISSION, handler) as Permission | 'public' | undefined;

/** What a key may do that was given a finer permission beside its role. */
const finer: { readonly [Finer in FinerPermission]: readonly Permission[] } = {
  run: ['executions:create', 'executions:cancel', 'executions:retry', 'executions:replay'],
  approve: ['executions:respond'],
};

const order: readonly Role[] = ['viewer', 'editor', 'admin'];

/** Whether a key has the permission, by its role or beside it. */
export const allows = ({ role, permissions }: Pick<Principal, 'role' | 'permissions'>, permission: Permission): boolean =>
  order.indexOf(role) >= order.indexOf(leastRole[permission]) || permissions.some((one) => finer[one].includes(permission));
