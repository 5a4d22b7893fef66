export { startTestBroker, type TestBroker } from './broker.js';
export { createdWith } from './created-with.js';
export { startTestDatabase, type TestDatabase } from './database.js';
export { until } from './until.js';
