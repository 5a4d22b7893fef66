import { executionFields } from '../../executions/execution-fields.js';
import type { Dialect, Shown } from '../dialect.js';

/** Runlog's own words: everything as it is. */
export const canonical: Dialect = {
  name: 'canonical',
  fields: executionFields,
  parts: { template: 'template', execution_data: 'execution_data', execution_data_refs: 'execution_data', stats: 'stats' },
  leanLists: true,
  execution: ({ execution }) => execution as unknown as Shown,
};
