export { createDatabase, type Database, type DatabaseOptions, type Sql } from './database.js';
export { Catalog, type PinnedVersion } from './catalog.js';
export { ApiKey, Pod, type Role, Secret, Workflow, WorkflowVersion, Workspace } from './catalog/entities.js';
export { hashApiKey, type NewApiKey, type Principal } from './catalog/tenancy.js';
export type { Publishing, WorkflowCreated } from './catalog/workflows.js';
export { type Begun, IDEMPOTENCY_KEPT_MS, type IdempotencyRecord } from './catalog/idempotency.js';
export { hashidOf } from './catalog/numbers.js';
export { canonicalJson, digestOf } from './canonical-json.js';
