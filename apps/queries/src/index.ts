export { type QueriesDeps, QueriesService } from './queries.service.js';
export { QueriesModule } from './queries.module.js';
export { READS } from './reads.controller.js';
export { type Drift, verifyReadModel, type VerifyOptions } from './verify.js';
