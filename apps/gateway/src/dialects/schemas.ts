import type { Schema } from '../openapi/json-schema.js';
import { actionGraphSchemas } from './action-graph/action-graph.schema.js';
import { agentsSchemas } from './agents/agents.schema.js';
import { kineticSchemas } from './kinetic/kinetic.schema.js';
import { podsSchemas } from './pods/pods.schema.js';
import { workerRunsSchemas } from './worker-runs/worker-runs.schema.js';

/** What each dialect shows, as components of the OpenAPI document. */
export const dialectSchemas: Readonly<Record<string, Schema>> = { ...kineticSchemas, ...podsSchemas, ...agentsSchemas, ...workerRunsSchemas, ...actionGraphSchemas };
