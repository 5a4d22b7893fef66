export { Bodies } from './bodies.js';
export { fileArtifacts } from './file-store.js';
export { ArtifactMissing, type ArtifactStore, ArtifactsUnwritable, BodyTooLarge, type StoredArtifact } from './port.js';
