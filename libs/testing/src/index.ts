export { startTestDatabase, type TestDatabase } from './database.js';
