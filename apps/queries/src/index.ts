export { QueriesModule } from './queries.module.js';
export { type QueriesDeps, QueriesService } from './queries.service.js';
export { READS } from './reads.controller.js';
export { type Drift, type VerifyOptions, verifyReadModel } from './verify.js';
