export { QueriesModule } from './queries.module.js';
export { type QueriesDeps, QueriesService } from './queries.service.js';
export { READS } from './reads-token.js';
export { type RebuildOptions, type RebuildProgress, type Rebuilt, rebuildExecutions } from './rebuild/rebuild.js';
export type { Drift } from './verify/drift.js';
export { type Verified, type VerifyOptions, verifyReadModel } from './verify.js';
