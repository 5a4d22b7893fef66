/** The partition of a key (an execution id, an instance): FNV-1a over its UTF-8 bytes, one hash for all topics. */
export const partitionOf = (key: string, partitions: number): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % partitions;
};
