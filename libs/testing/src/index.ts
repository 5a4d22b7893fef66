export { createdWith } from '@runlog/execution';
export { startTestBroker, type TestBroker } from './broker.js';
export { type CollectedSpan, spansOf, startTestCollector, type TestCollector } from './collector.js';
export { startTestDatabase, type TestDatabase } from './database.js';
export { slowness } from './slowness.js';
export { until } from './until.js';
