export { startTestBroker, type TestBroker } from './broker.js';
export { startTestDatabase, type TestDatabase } from './database.js';
