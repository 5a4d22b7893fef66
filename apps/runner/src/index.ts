export { storedMemory } from './agent/memory.js';
export { exposeRunner } from './metrics.js';
export { RunnerModule } from './runner.module.js';
export { type RunnerParts, RunnerService, type RunnerSettings } from './runner.service.js';
export { catalogSecrets, type SecretStore } from './secret-store.js';
